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
import { assertClean, assertObservables } from "./event-checks.ts";
import { ATTRIBUTES, anyContext, deviceFacts, oddDevice, oddUser, oddUserFacts } from "./odd-records.ts";

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
      assertObservables(event);
    }),
  );
});
