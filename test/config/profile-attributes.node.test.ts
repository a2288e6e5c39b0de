/** PROFILE_ATTRIBUTES: what it takes, and what it says of what it does not. */
import { describe, expect, test } from "vitest";
import { readProfileAttributes } from "../../src/config/profile-attributes.ts";

const read = (value: string | undefined) =>
  readProfileAttributes(value === undefined ? {} : { PROFILE_ATTRIBUTES: value });

describe("PROFILE_ATTRIBUTES", () => {
  test.each([
    [undefined, []],
    ["", []],
    ["badge", ["badge"]],
    [" clearance , badge,badge ", ["badge", "clearance"]],
    ["_a1,B2", ["B2", "_a1"]],
  ])("%j names %j", (value, names) => {
    expect(read(value)).toEqual({ ok: true, value: names });
  });

  test.each([
    ["badge number", "Item 1"],
    ["badge,profile.floor", "Item 2"],
    ["badge,1st", "Item 2"],
    ["a)b", "Item 1"],
    [Array.from({ length: 51 }, (_, n) => `a${n}`).join(), "50 attributes at most"],
  ])("%j is refused, and says why", (value, words) => {
    const setting = read(value);
    expect(setting).toMatchObject({ ok: false, problems: [{ setting: "PROFILE_ATTRIBUTES" }] });
    expect(JSON.stringify(setting)).toContain(words);
    expect(JSON.stringify(setting)).toContain("badgeNumber,clearance");
  });
});
