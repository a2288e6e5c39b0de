/** POSTURE_EXCEPTIONS: what it takes, and what it says of what it does not. */
import { describe, expect, test } from "vitest";
import { readPostureExceptions } from "../../src/config/posture-exceptions.ts";

const entry = { check: "admin_without_mfa", group_id: "00g1", reason: "Break-glass accounts" };
const read = (value: unknown) =>
  readPostureExceptions({ POSTURE_EXCEPTIONS: typeof value === "string" ? value : JSON.stringify(value) });

describe("POSTURE_EXCEPTIONS", () => {
  test.each([
    ["", []],
    ["[]", []],
    [[entry], [{ check: entry.check, groupId: "00g1", until: null, reason: entry.reason }]],
    [
      [
        { ...entry, until: "2026-12-31" },
        { ...entry, until: "2026-12-31T18:00:00+02:00" },
      ],
      [
        // A day is over when it ends.
        {
          check: entry.check,
          groupId: "00g1",
          until: Date.parse("2027-01-01T00:00:00Z"),
          reason: entry.reason,
        },
        {
          check: entry.check,
          groupId: "00g1",
          until: Date.parse("2026-12-31T16:00:00Z"),
          reason: entry.reason,
        },
      ],
    ],
  ])("%j is taken", (value, exceptions) => {
    expect(read(value)).toEqual({ ok: true, value: exceptions });
    expect(readPostureExceptions({})).toEqual({ ok: true, value: [] });
    if (typeof value !== "string")
      expect(readPostureExceptions({ POSTURE_EXCEPTIONS: value })).toEqual({ ok: true, value: exceptions });
  });

  test.each([
    ["{", "POSTURE_EXCEPTIONS", "JSON"],
    ["{}", "POSTURE_EXCEPTIONS", "not a JSON list"],
    [["x"], "POSTURE_EXCEPTIONS[0]", "not an object"],
    [[entry, { ...entry, check: "bad_hair" }], "POSTURE_EXCEPTIONS[1].check", "admin_without_mfa"],
    [[{ ...entry, check: "device_unmanaged" }], "POSTURE_EXCEPTIONS[0].check", "check of users"],
    [[{ ...entry, group_id: "Break glass" }], "POSTURE_EXCEPTIONS[0].group_id", "id of a group"],
    [[{ ...entry, group_id: 7 }], "POSTURE_EXCEPTIONS[0].group_id", "id of a group"],
    [[{ ...entry, until: "next year" }], "POSTURE_EXCEPTIONS[0].until", "2026-12-31"],
    [[{ ...entry, until: "2026-02-30" }], "POSTURE_EXCEPTIONS[0].until", "2026-12-31"],
    [[{ ...entry, reason: " " }], "POSTURE_EXCEPTIONS[0].reason", "say why"],
    [[{ check: entry.check, group_id: "00g1" }], "POSTURE_EXCEPTIONS[0].reason", "say why"],
    [
      [{ ...entry, groups: ["x"] }],
      "POSTURE_EXCEPTIONS[0].groups",
      "known keys are check, group_id, until, reason",
    ],
    [Array.from({ length: 101 }, () => entry), "POSTURE_EXCEPTIONS", "100 entries at most"],
  ])("%j is refused by its name", (value, name, words) => {
    const setting = read(value);
    expect(setting.ok ? [] : setting.problems.map(({ setting: one }) => one)).toContain(name);
    expect(JSON.stringify(setting)).toContain(words);
  });
});
