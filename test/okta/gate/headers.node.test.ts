import { describe, expect, test } from "vitest";
import { msUntilReset, readRateLimit } from "../../../src/okta/gate/headers.ts";

const headers = (limit: string, remaining: string, reset: string) =>
  new Headers({
    "x-rate-limit-limit": limit,
    "X-Rate-Limit-Remaining": remaining,
    "x-rate-limit-reset": reset,
  });

describe("rate-limit headers", () => {
  test.each([
    ["plain", headers("600", "599", "1760000000"), { limit: 600, remaining: 599, resetAt: 1_760_000_000 }],
    [
      "twice, as fetch joins them: the careful side of each",
      headers("600, 1200", "1100, 599", "1759999990, 1760000000"),
      { limit: 600, remaining: 599, resetAt: 1_760_000_000 },
    ],
    ["zeroes", headers("0", "0", "1760000000"), { limit: 0, remaining: 0, resetAt: 1_760_000_000 }],
    [
      "one of two unreadable",
      headers("x, 600", "5,", "1760000000"),
      { limit: 600, remaining: 5, resetAt: 1_760_000_000 },
    ],
    ["words", headers("many", "some", "soon"), null],
    ["negative and broken numbers", headers("-1", "1.5", "1e9"), null],
    ["numbers beyond reason", headers("600", "1", "99999999999999999"), null],
    ["none", new Headers(), null],
    ["one missing", new Headers({ "x-rate-limit-limit": "600", "x-rate-limit-reset": "1" }), null],
  ])("%s", (_, given, expected) => expect(readRateLimit(given)).toEqual(expected));
});

describe("how long until the window is over", () => {
  const DATE = "Thu, 09 Oct 2025 08:53:20 GMT";
  const reset = Date.parse(DATE) / 1000 + 30;

  test.each([
    ["right", 0],
    ["an hour slow", -3_600_000],
    ["a day fast", 86_400_000],
  ])("a local clock that is %s makes no difference", (_, wrong) => {
    expect(msUntilReset(reset, DATE, Date.parse(DATE) + wrong)).toBe(31_000);
  });

  test("without a Date header the local clock has to do", () => {
    expect(msUntilReset(reset, null, (reset - 5) * 1000)).toBe(6000);
    expect(msUntilReset(reset, "nonsense", (reset - 5) * 1000)).toBe(6000);
  });

  test("a window that is over already is not waited for", () => {
    expect(msUntilReset(reset - 100, DATE, 0)).toBe(0);
  });
});

describe("headers that make no sense", () => {
  const NOW = 1_760_000_000_000;
  const AT = NOW / 1000;
  const GUESS = { limit: 600, remaining: 599, resetAt: AT + 60, isGuess: true };
  const YEAR = 365 * 86_400;

  test.each([
    ["a minute ahead", `${AT + 60}`, { limit: 600, remaining: 599, resetAt: AT + 60 }],
    ["just over", `${AT - 20}`, { limit: 600, remaining: 599, resetAt: AT - 20 }],
    ["in milliseconds", `${NOW + 30_000}`, { limit: 600, remaining: 599, resetAt: AT + 30 }],
    ["a year ahead", `${AT + YEAR}`, GUESS],
    ["a year ago", `${AT - YEAR}`, GUESS],
    ["the seconds that are left", "60", GUESS],
    ["0", "0", GUESS],
    [
      "a year ahead beside a sane one",
      `${AT + YEAR}, ${AT + 30}`,
      { limit: 600, remaining: 599, resetAt: AT + 30 },
    ],
    ["a date", "Thu, 09 Oct 2025 08:53:20 GMT", null],
    ["negative", "-5", null],
  ])("a reset %s", (_, reset, expected) => {
    expect(readRateLimit(headers("600", "599", reset), NOW)).toEqual(expected);
  });

  test.each([["Thu, 01 Jan 1970 00:00:00 GMT"], ["Fri, 31 Dec 9999 23:59:59 GMT"]])(
    "a Date of %s",
    (date) => {
      const given = headers("600", "599", `${AT + 30}`);
      given.set("date", date);
      expect(readRateLimit(given, NOW)).toEqual({ limit: 600, remaining: 599, resetAt: AT + 30 });
      expect(msUntilReset(AT + 30, date, NOW)).toBeLessThanOrEqual(121_000);
    },
  );
});
