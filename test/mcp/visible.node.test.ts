/** What hides in a text is made visible, and nothing else changes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { visible, visibleText } from "../../src/mcp/visible.ts";
import { examples } from "../support/seeds.ts";

describe("a text from Okta", () => {
  test.each([
    ["Jane Doe", "Jane Doe"],
    ["Zoë 李 🙂 العربية", "Zoë 李 🙂 العربية"],
    ["admin\u202egnp.exe", "admin[U+202E]gnp.exe"],
    ["a\u2066b\u2069", "a[U+2066]b[U+2069]"],
    ["two\nlines\r\n\ttab", "two[U+000A]lines[U+000D][U+000A][U+0009]tab"],
    ["\u001b[31mred", "[U+001B][31mred"],
    ["zero\u200bwidth\ufeff", "zero[U+200B]width[U+FEFF]"],
    ["tag\u{e0041}\u{e007f}", "tag[U+E0041][U+E007F]"],
    ["variation\u{e0100}", "variation[U+E0100]"],
    ["line\u2028separator", "line[U+2028]separator"],
    ["half \ud800 pair", "half [U+D800] pair"],
  ])("%j is shown as %j", (text, shown) => {
    expect(visibleText(text)).toBe(shown);
  });

  test("has no control, format or unpaired character left, and stays bounded", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 6_000 }), (text) => {
        const shown = visibleText(text);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(shown.isWellFormed()).toBe(true);
        expect(shown.length).toBeLessThanOrEqual(4_005);
      }),
      examples(200),
    );
  });

  test("stays what it is where nothing hides", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."abc xyzÄé李🙂<>&\"'{}[]`#*"), maxLength: 100 }),
        (text) => {
          expect(visibleText(text)).toBe(text);
        },
      ),
      examples(100),
    );
  });

  test("is made visible wherever it is in a document; numbers, truths and nulls stay", () => {
    const document = { a: ["x\u202e", { b: "\u0007", n: 1, t: true, z: null }], "k\u200b": "v" };
    expect(visible(document)).toEqual({
      a: ["x[U+202E]", { b: "[U+0007]", n: 1, t: true, z: null }],
      "k[U+200B]": "v",
    });
  });
});
