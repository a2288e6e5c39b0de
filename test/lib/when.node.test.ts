import { expect, test } from "vitest";
import { timeInWords } from "../../src/lib/when.ts";

const at = Date.parse("2026-03-01T02:05:09.999Z");

test("a time of the same day is the clock's alone, and of any other day it has the date", () => {
  expect(timeInWords(at, Date.parse("2026-03-01T23:59:59Z"))).toBe("02:05:09 UTC");
  expect(timeInWords(at, Date.parse("2026-02-28T23:59:59Z"))).toBe("1 March 2026, 02:05:09 UTC");
  expect(timeInWords(at, Date.parse("2027-03-01T02:05:09Z"))).toBe("1 March 2026, 02:05:09 UTC");
});
