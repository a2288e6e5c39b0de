import { describe, expect, test } from "vitest";
import {
  ago,
  duration,
  percent,
  shortened,
  spelled,
  utc,
  visible,
  visibleJson,
} from "../../src/console/words.ts";

describe("words", () => {
  test.each([
    [0, "0 s"],
    [59.4, "59 s"],
    [60, "1 min"],
    [185, "3 min 5 s"],
    [599, "9 min 59 s"],
    [3_599, "59 min"],
    [3_600, "1 h"],
    [7_800, "2 h 10 min"],
    [86_400 * 3, "3 d"],
  ])("%d s is %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  test.each([
    [1_000, "now"],
    [30_000, "30 s ago"],
    [-90_000, "in 1 min"],
    [47 * 3_600_000, "47 h ago"],
    [86_400_000 * 1_234, "1,234 d ago"],
  ])("%d ms ago is %s", (ms, text) => {
    expect(ago(1e13 - ms, 1e13)).toBe(text);
  });

  test.each([
    [0, 0, "0 %"],
    [0, 5, "0 %"],
    [1, 1000, "< 1 %"],
    [999, 1000, "> 99 %"],
    [1000, 1000, "100 %"],
    [1, 3, "33 %"],
  ])("%d of %d is %s: few are never none, most are never all", (part, whole, text) => {
    expect(percent(part, whole)).toBe(text);
  });

  test("statuses are spelt out, everything else stays", () => {
    expect(spelled("PASSWORD_EXPIRED")).toBe("Password expired");
    expect(spelled("<B>")).toBe("<B>");
    expect(spelled("Active")).toBe("Active");
  });

  test("long text is cut between characters", () => {
    expect(shortened("abcdef", 6)).toBe("abcdef");
    expect(shortened("abcdefg", 6)).toBe("abcdef…");
    expect(shortened("ab😀cd", 3)).toBe("ab…");
  });

  test("nothing hides in a text: what is not seen is shown by its code, and JSON stays JSON", () => {
    expect(visible("a\u202Eb\u0000c\u200Bd\n\te")).toBe("a⟨U+202E⟩b⟨U+0000⟩c⟨U+200B⟩d e");
    expect(visible("مرحبا Zoë 李 👩‍🚒 می‌خواهم")).toBe("مرحبا Zoë 李 👩‍🚒 می‌خواهم");
    const value = { a: "x\u202Ey\u2066\u009F\n" };
    const json = visibleJson(JSON.stringify(value, null, 2));
    expect(json).not.toMatch(/[\u202E\u2066\u009F]/);
    expect(JSON.parse(json)).toEqual(value);
  });

  test("a time that is none stays as it is", () => {
    expect(utc("2025-01-15T02:00:30.123Z")).toBe("2025-01-15 02:00:30 UTC");
    expect(utc("soon")).toBe("soon");
  });
});
