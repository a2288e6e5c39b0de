import { describe, expect, test } from "vitest";
import { limitOf, nextPage, safeNext, withLimit } from "../../src/okta/paging.ts";

const BASE = "https://company.okta.com";

describe("where a next link may lead", () => {
  test.each([
    ["the same origin", `${BASE}/api/v1/users?after=1`, `${BASE}/api/v1/users?after=1`],
    [
      "http with the right host, as in Okta's documentation",
      "http://company.okta.com/a?b=1",
      `${BASE}/a?b=1`,
    ],
    ["a path alone", "/api/v1/iam?after=1", `${BASE}/api/v1/iam?after=1`],
    ["the default port spelled out", "https://company.okta.com:443/a", `${BASE}/a`],
    ["another host", "https://attacker.invalid/a", null],
    ["a host that only looks like it", "https://company.okta.com.attacker.invalid/a", null],
    ["the host as a user name", "https://company.okta.com@attacker.invalid/a", null],
    ["a user name before the right host", "https://someone@company.okta.com/a", null],
    ["another port", "https://company.okta.com:8443/a", null],
    ["http with another port", "http://company.okta.com:8080/a", null],
    ["no scheme but another host", "//attacker.invalid/a", null],
    ["backslashes", "https:\\\\attacker.invalid\\a", null],
    ["another scheme", "javascript:alert(1)", null],
    ["no URL", "http://[", null],
  ])("%s", (_, next, expected) => {
    expect(safeNext(next, BASE)).toEqual(
      expected === null ? { ok: false, error: "foreign_origin" } : { ok: true, value: expected },
    );
  });

  test("a base on http (local work) is not upgraded, nor is another port of it", () => {
    expect(safeNext("http://127.0.0.1:8790/a", "http://127.0.0.1:8790")).toMatchObject({ ok: true });
    expect(safeNext("http://127.0.0.1:8791/a", "http://127.0.0.1:8790")).toMatchObject({ ok: false });
  });
});

describe("the page that links lead to", () => {
  const PAGE = `${BASE}/api/v1/users?limit=200`;
  const OTHER = "https://login.example.com";
  const NEXT = "/api/v1/users?after=eyJhIjoiMSJ9%3D%3D&search=status%20lt%20%22ZZZ%22";

  test.each([
    ["none is the end", [], [], { ok: true, value: null }],
    ["an opaque cursor stays as Okta made it", [BASE + NEXT], [], { ok: true, value: BASE + NEXT }],
    ["a path alone", [NEXT], [], { ok: true, value: BASE + NEXT }],
    [
      "a query alone is of the page's own path",
      ["?after=1"],
      [],
      { ok: true, value: `${BASE}/api/v1/users?after=1` },
    ],
    ["another origin", [OTHER + NEXT], [], { ok: false, error: "foreign_origin" }],
    ["an origin that the org names", [OTHER + NEXT], [OTHER], { ok: true, value: BASE + NEXT }],
    [
      "that origin on http",
      [`http://login.example.com${NEXT}`],
      [OTHER],
      { ok: false, error: "foreign_origin" },
    ],
    [
      "a name before it",
      [`https://x@login.example.com${NEXT}`],
      [OTHER],
      { ok: false, error: "foreign_origin" },
    ],
    ["both origins of one page", [OTHER + NEXT, BASE + NEXT], [], { ok: true, value: BASE + NEXT }],
    ["two pages", [`${BASE}/a?after=1`, `${BASE}/a?after=2`], [], { ok: false, error: "unreadable" }],
    ["no URL", ["http://["], [], { ok: false, error: "unreadable" }],
  ] as const)("%s", (_, links, others, expected) => expect(nextPage(links, PAGE, others)).toEqual(expected));
});

describe("the size of a page", () => {
  test.each([
    [`${BASE}/a?limit=200`, 200],
    [`${BASE}/a?after=x&limit=7&y=1`, 7],
    [`${BASE}/a?after=limit`, null],
    [`${BASE}/a?mylimit=3`, null],
    [`${BASE}/a`, null],
  ])("of %s is %s", (url, limit) => expect(limitOf(url)).toBe(limit));

  test("is changed in place, all else left as it was", () => {
    expect(withLimit(`${BASE}/a?after=b%2Fc&limit=200&search=x%20y`, 100)).toBe(
      `${BASE}/a?after=b%2Fc&limit=100&search=x%20y`,
    );
  });
});
