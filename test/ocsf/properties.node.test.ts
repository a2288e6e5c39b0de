import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  deviceEvent,
  ocsfDeviceSchema,
  ocsfUserSchema,
  sekoia2026DeviceSchema,
  sekoiaDeviceSchema,
  sekoiaUserSchema,
  userEvent,
} from "../../src/ocsf/index.ts";
import { parseDevice, parseUser } from "../../src/okta/records.ts";
import { examples } from "../support/seeds.ts";
import { ATTRIBUTES, anyContext, deviceFacts, oddDevice, oddUser, oddUserFacts } from "./odd-records.ts";

/** Whether every string and key of a JSON text is well-formed and no value is null. */
const assertClean = (json: string) => {
  expect(json.isWellFormed()).toBe(true);
  JSON.parse(json, (_key, value: unknown) => {
    expect(value).not.toBeNull();
    return value;
  });
};

test("any user either becomes a valid event in both dialects or is quarantined with a reason", () => {
  fc.assert(
    fc.property(oddUser, fc.gen(), (record, gen) => {
      const parsed = parseUser(record, ATTRIBUTES);
      if (!parsed.ok) {
        expect(parsed.error.reason).not.toBe("");
        return;
      }
      const facts = gen(oddUserFacts, parsed.value);
      const context = gen(anyContext, "users", parsed.value.id);
      expect(sekoiaUserSchema.safeParse(userEvent(facts, context, "sekoia")).error).toBeUndefined();
      const event = userEvent(facts, context, "ocsf");
      expect(ocsfUserSchema.safeParse(event).error).toBeUndefined();
      const json = JSON.stringify(event);
      assertClean(json);
      const stored: typeof facts = JSON.parse(JSON.stringify(facts));
      expect(JSON.stringify(userEvent(stored, context, "ocsf"))).toBe(json);
    }),
    examples(400),
  );
});

test("any device either becomes a valid event in every dialect or is quarantined with a reason", () => {
  fc.assert(
    fc.property(oddDevice, fc.gen(), (record, gen) => {
      const parsed = parseDevice(record);
      if (!parsed.ok) {
        expect(parsed.error.reason).not.toBe("");
        return;
      }
      const facts = deviceFacts(parsed.value);
      const context = gen(anyContext, "devices", parsed.value.id);
      expect(sekoiaDeviceSchema.safeParse(deviceEvent(facts, context, "sekoia")).error).toBeUndefined();
      const in2026 = deviceEvent(facts, context, "sekoia_2026");
      expect(sekoia2026DeviceSchema.safeParse(in2026).error).toBeUndefined();
      const event = deviceEvent(facts, context, "ocsf");
      expect(ocsfDeviceSchema.safeParse(event).error).toBeUndefined();
      assertClean(JSON.stringify(event));
    }),
    examples(400),
  );
});

test("an observable's value is the value at its path", () => {
  fc.assert(
    fc.property(oddUser, fc.gen(), (record, gen) => {
      const parsed = parseUser(record, ATTRIBUTES);
      if (!parsed.ok) return;
      const facts = gen(oddUserFacts, parsed.value);
      const event = ocsfUserSchema.parse(userEvent(facts, gen(anyContext, "users", parsed.value.id), "ocsf"));
      for (const { name, value } of event.observables) {
        const found = name
          .split(/[.[\]]+/)
          .filter((step) => step !== "")
          .reduce<unknown>((at, step) => Reflect.get(Object(at), step), event);
        expect(found).toBe(value);
      }
    }),
  );
});
