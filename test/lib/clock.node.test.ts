import { describe, expect, test } from "vitest";
import { clockSkew, serverTime } from "../../src/lib/clock.ts";

const NOW = Date.parse("2025-10-09T08:53:20.000Z");
const at = (ms: number): string => new Date(ms).toUTCString();

describe("a server's clock", () => {
  test("is read from its Date header", () => {
    expect(serverTime("Thu, 09 Oct 2025 08:53:20 GMT")).toBe(NOW);
  });

  test("is the header's own, whichever was read before", () => {
    expect([at(NOW), "yesterday", at(NOW), at(NOW + 1000), null, at(NOW)].map(serverTime)).toEqual([
      NOW,
      null,
      NOW,
      NOW + 1000,
      null,
      NOW,
    ]);
  });

  test.each([null, "", "yesterday"])("is unknown with a Date of %j", (header) => {
    expect(serverTime(header)).toBeNull();
    expect(clockSkew(header, NOW)).toBeNull();
  });

  test.each([
    ["the same", NOW, 0],
    ["half a second of ours later", NOW + 500, 0],
    ["just under two seconds behind", NOW + 1999, 0],
    ["two seconds behind", NOW + 2000, -2000],
    ["a second ahead", NOW - 1000, 0],
    ["two seconds ahead", NOW - 2000, 2000],
    ["an hour ahead", NOW - 3_600_000, 3_600_000],
  ])("that is %s", (_, ours, skew) => {
    expect(clockSkew(at(NOW), ours)).toBe(skew);
  });
});
