import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nextLinks } from "../../src/okta/link-header.ts";
import { examples } from "../support/seeds.ts";

const BASE = "https://company.okta.com";
const UNREADABLE = { ok: false, error: "unreadable" };
const links = (...value: string[]) => ({ ok: true, value });

describe("the links to the next page", () => {
  test.each([
    ["no header", null, links()],
    ["an empty header", "", links()],
    ["empty elements, which RFC 9110 allows", ", ,", links()],
    ["self alone", `<${BASE}/api/v1/users?limit=200>; rel="self"`, links()],
    [
      "two header lines as fetch joins them",
      `<${BASE}/a?limit=200>; rel="self", <${BASE}/a?after=00u1&limit=200>; rel="next"`,
      links(`${BASE}/a?after=00u1&limit=200`),
    ],
    ["next first", `<${BASE}/a>; rel="next", <${BASE}/b>; rel="self"`, links(`${BASE}/a`)],
    ["commas and semicolons inside the URL", `<${BASE}/a?x=1,2;3>; rel="next"`, links(`${BASE}/a?x=1,2;3`)],
    ["an unquoted type", `<${BASE}/a>; rel=next`, links(`${BASE}/a`)],
    ["single quotes", `<${BASE}/a>; rel='next'`, links(`${BASE}/a`)],
    ["upper case", `<${BASE}/a>; REL="NEXT"`, links(`${BASE}/a`)],
    ["several types", `<${BASE}/a>; rel="last next"`, links(`${BASE}/a`)],
    ["several types in single quotes are cut by the blank", `<${BASE}/a>; rel='last next'`, UNREADABLE],
    ["parameters in another order", `<${BASE}/a>; title="x"; rel="next"; type=y`, links(`${BASE}/a`)],
    ["white space everywhere", ` <${BASE}/a> ; rel = "next" , <${BASE}/b>;rel="self"`, links(`${BASE}/a`)],
    ["a leading comma", `, <${BASE}/a>; rel="next"`, links(`${BASE}/a`)],
    ["a trailing semicolon", `<${BASE}/a>; rel="next";`, links(`${BASE}/a`)],
    ["no semicolon", `<${BASE}/a> rel="next"`, UNREADABLE],
    [
      "a comma and a quote inside a string",
      `<${BASE}/a>; title="a, \\"b\\"; rel=self"; rel=next`,
      links(`${BASE}/a`),
    ],
    ["a link inside a string", `<${BASE}/a>; title="<${BASE}/b>; rel=next"; rel=self`, links()],
    ["only the first type counts", `<${BASE}/a>; rel=self; rel=next`, links()],
    ["the same link twice", `<${BASE}/a>; rel="next", <${BASE}/a>; rel="next"`, links(`${BASE}/a`)],
    ["two links", `<${BASE}/a>; rel="next", <${BASE}/b>; rel="next"`, links(`${BASE}/a`, `${BASE}/b`)],
    ["words before the links", `nonsense, <${BASE}/a>; rel="next"`, links(`${BASE}/a`)],
    ["words beside self", `<${BASE}/a>; rel="self", nonsense`, UNREADABLE],
    ["no link at all", "just some words", UNREADABLE],
    ["a target that is cut off", `<${BASE}/a`, UNREADABLE],
    ["a type that is cut off", `<${BASE}/a>; rel="ne`, UNREADABLE],
    ["only the last quote is missing", `<${BASE}/a>; rel="next`, links(`${BASE}/a`)],
    [
      "a string without end may hide anything",
      `<${BASE}/a>; rel=self; title="x, <${BASE}/b>; rel=next`,
      UNREADABLE,
    ],
    ["no type", `<${BASE}/a>`, UNREADABLE],
    ["an empty type", `<${BASE}/a>; rel=`, UNREADABLE],
    ["no target", `<>; rel="next"`, UNREADABLE],
  ])("%s", (_, header, expected) => expect(nextLinks(header)).toEqual(expected));
});

/** How a parameter may be written, all of them meaning the same. */
const written = (name: string, value: string) =>
  fc
    .record({
      name: fc.constantFrom(name, name.toUpperCase()),
      quoted: fc.boolean(),
      before: fc.constantFrom("", " ", "\t"),
      after: fc.constantFrom("", " "),
    })
    .map(({ name: spelt, quoted, before, after }) => {
      const isToken = /^[\w.-]+$/.test(value);
      const text = quoted || !isToken ? `"${value.replace(/["\\]/g, "\\$&")}"` : value;
      return `;${before}${spelt}${after}=${before}${text}${after}`;
    });

const target = fc
  .string({ unit: fc.constantFrom(..."abc=&%,;\"' /?"), maxLength: 12 })
  .map((query) => `${BASE}/api?after=${query}x`);

/** A link as it is written, and its target if it is one to the next page. */
const link = fc
  .record({
    target,
    types: fc.constantFrom(
      ["self", false],
      ["next", true],
      ["prev last", false],
      ["last next", true],
      ["nextish", false],
    ),
    title: fc.string({ unit: fc.constantFrom(...'ab,;<>="\\ '), maxLength: 8 }),
    titleFirst: fc.boolean(),
  })
  .chain(({ target: to, types: [types, isNext], title, titleFirst }) =>
    fc.tuple(written("rel", String(types)), written("title", title)).map(([rel, other]) => ({
      text: `<${to}>${titleFirst ? other + rel : rel + other}`,
      next: isNext === true ? to : null,
    })),
  );

const garbage = fc
  .constantFrom("x", "rel=next", '"', ">", "; rel=next", "http://a/b", "=", "'")
  .map((text) => ({ text, next: null }));

test("whatever stands around a link to the next page, it is found; without one, only a whole header is the end", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 4, arbitrary: link }, { weight: 1, arbitrary: garbage }), { maxLength: 5 }),
      fc.constantFrom(",", ", ", " ,\t", ",,"),
      (elements, separator) => {
        const next = [...new Set(elements.flatMap((element) => element.next ?? []))];
        const isWhole = elements.every(({ text }) => text.startsWith("<"));
        const header = elements.map(({ text }) => text).join(separator);
        const expected = next.length === 0 && !isWhole ? UNREADABLE : links(...next);
        expect(nextLinks(header)).toEqual(expected);
      },
    ),
    examples(500),
  );
});
