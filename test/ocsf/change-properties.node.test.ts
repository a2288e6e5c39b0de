import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { ChangeField } from "../../src/contract/changes.ts";
import {
  changeEvent,
  ocsfAccountChangeSchema,
  ocsfEntityManagementSchema,
  ocsfGroupManagementSchema,
} from "../../src/ocsf/index.ts";
import { examples } from "../support/seeds.ts";
import { assertClean, assertObservables } from "./event-checks.ts";
import { oddChanges } from "./odd-changes.ts";

/** OCSF's classes of changes, by their number. */
const schemas = {
  3001: ocsfAccountChangeSchema,
  3004: ocsfEntityManagementSchema,
  3006: ocsfGroupManagementSchema,
} as const;

test.each([
  ["people", [3001, 3006]],
  ["memberships", [3001, 3006]],
  ["groups", [3006]],
  ["devices", [3004]],
] as const)("any change of %s becomes one valid event", (kind, classes) => {
  fc.assert(
    fc.property(oddChanges[kind], ({ change, context }) => {
      const event = changeEvent(change, context);
      expect(classes).toContain(event.class_uid);
      expect(schemas[event.class_uid].safeParse(event).error).toBeUndefined();
      expect(event.type_uid).toBe(event.class_uid * 100 + event.activity_id);
      expect(event.activity_name).not.toBe("Other");
      expect(event.metadata.uid).toBe(`default/${change.stream}/${change.id}/${change.sequence}`);
      assertObservables(event);
      const json = JSON.stringify(event);
      assertClean(json);
      const stored: typeof change = JSON.parse(JSON.stringify(change));
      expect(JSON.stringify(changeEvent(stored, context))).toBe(json);
    }),
    examples(400),
  );
});

test("any message is one short line that anybody can see", () => {
  fc.assert(
    fc.property(fc.oneof(...Object.values(oddChanges)), ({ change, context }) => {
      const { message } = changeEvent(change, context);
      expect(message).toMatch(/^Okta (user|group|device) \S/);
      expect(message).not.toMatch(/\p{C}|\p{Zl}|\p{Zp}/u);
      expect([...message].length).toBeLessThan(2000);
    }),
    examples(400),
  );
});

test("the event has all that the change says of its fields as text, but nulls", () => {
  const said = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  const texts = (values: readonly unknown[]) => values.filter((value) => value !== null).map(said);
  const kept = (key: string, value: unknown) => (value === null ? {} : { [key]: said(value) });
  const asText = (field: ChangeField) =>
    "added" in field
      ? { ...field, added: texts(field.added), removed: texts(field.removed) }
      : { field: field.field, ...kept("before", field.before), ...kept("after", field.after) };
  fc.assert(
    fc.property(fc.oneof(...Object.values(oddChanges)), ({ change, context }) => {
      const { unmapped } = changeEvent(change, context);
      expect(unmapped.changes).toEqual(change.fields.map(asText));
      expect(unmapped.log_events.map(({ uuid }) => uuid)).toEqual(change.events.map(({ uuid }) => uuid));
      expect(unmapped.source).toBe(change.source);
    }),
    examples(200),
  );
});
