import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fitsIntoPath,
  foldCase,
  hasEmail,
  isNamed,
  parseIdentifier,
  searchByAddress,
  searchByEmail,
  searchByShortName,
} from "../../src/enrichment/identifier.ts";

const id = "00ub0oNGTSWTBKOLGLNR";

describe("parseIdentifier", () => {
  it.each([
    [id, "id", id],
    [`  ${id}\n`, "id", id],
    ["00oa1bcdefg2EXAMPLE", "id", "00oa1bcdefg2EXAMPLE"],
    [`CORP\\${id}`, "id", id],
    ["Jane.Doe@Example.COM", "email", "jane.doe@example.com"],
    ["mailto:Jane@example.com", "email", "jane@example.com"],
    ["MAILTO: jane@example.com?subject=hi", "email", "jane@example.com"],
    ["JSmith", "username", "jsmith"],
    ["CORP\\JSmith", "username", "jsmith"],
    ["corp.example.com\\jsmith", "username", "jsmith"],
    [".\\jsmith", "username", "jsmith"],
    ["mailto:CORP\\jane@example.com", "email", "jane@example.com"],
    ["mailto:jane%2Bsoc@example.com?subject=hi", "email", "jane+soc@example.com"],
    ["mailto:ren%C3%A9@example.com", "email", "ren\u00e9@example.com"],
    ["rene\u0301@example.com", "email", "ren\u00e9@example.com"],
    ["CORP\\\\jsmith", "username", "jsmith"],
    ["MY CORP\\jsmith", "username", "jsmith"],
    ["B\u00dcRO\\jsmith", "username", "jsmith"],
    ["\\\\CORP\\jsmith", "username", "jsmith"],
    ["CORP/EU\\jsmith", "username", "jsmith"],
    ["CORP/jsmith", "username", "corp/jsmith"],
    ["a/b@example.com", "email", "a/b@example.com"],
    ["CORP\\a\\b", "username", "a\\b"],
    ["\\jsmith", "username", "jsmith"],
    ["jsmith\\", "username", "jsmith\\"],
    ['o"brien', "username", 'o"brien'],
    ["o'brien@example.com", "email", "o'brien@example.com"],
    ["jane+siem@example.com", "email", "jane+siem@example.com"],
    ["José@example.com", "email", "josé@example.com"],
    ["first last", "username", "first last"],
    ["me@example.com", "email", "me@example.com"],
    ["100%", "username", "100%"],
    ["x".repeat(320), "username", "x".repeat(320)],
    ["00short", "username", "00short"],
  ])("%j is the %s %j", (given, kind, value) => {
    expect(parseIdentifier(given)).toMatchObject({
      ok: true,
      value: { kind, value, key: `${kind}:${value}` },
    });
  });

  it.each([
    ["CORP\\svc-app", "username:svc-app", "username:corp\\svc-app"],
    ["Corp\\Jane@example.com", "email:jane@example.com", "email:corp\\jane@example.com"],
    ["svc-app", "username:svc-app", undefined],
    ["jane@example.com", "email:jane@example.com", undefined],
  ])("%j may be the login itself, with what looks like a domain", (text, key, whole) => {
    const parsed = parseIdentifier(text);
    expect(parsed).toMatchObject({ ok: true, value: { key } });
    expect(parsed.ok && parsed.value.whole?.key).toBe(whole);
  });

  it.each([
    ["JSmith", "jsmith", "JSmith", "username:jsmith"],
    ["jsmith", "jsmith", "jsmith", "username:jsmith"],
    [" 00uA_b-C\n", "00ua_b-c", "00uA_b-C", "username:00uA_b-C"],
    ["CORP\\User7", "user7", "User7", "username:User7"],
    ["U".repeat(100), "u".repeat(100), "U".repeat(100), `username:${"u".repeat(100)}`],
    ["U".repeat(101), "u".repeat(101), "u".repeat(101), `username:${"u".repeat(101)}`],
    ["First.Last1", "first.last1", "first.last1", "username:first.last1"],
    ["\u212aevin1", "\u212aevin1", "\u212aevin1", "username:\u212aevin1"],
    ["Jane1@Example.com", "jane1@example.com", "jane1@example.com", "email:jane1@example.com"],
    [id, id, id, `id:${id}`],
  ])("%j keeps the spelling that may be an id's", (text, value, given, key) => {
    expect(parseIdentifier(text)).toMatchObject({ ok: true, value: { value, given, key } });
  });

  it.each([
    ["", /is empty/],
    ["  \t\n", /is empty/],
    ["mailto:", /is empty/],
    ["mailto:?subject=x", /is empty/],
    ["me", /"me" would be the connector's own/],
    ["ME", /"me"/],
    ["CORP\\Me", /"me"/],
    ["mailto:me", /"me"/],
    ["mailto:100%", /cannot be decoded/],
    ["mailto:..%252Fx", /%2F/],
    [".", /path/],
    ["..", /path/],
    ["CORP\\..", /path/],
    ["%2e%2e", /%2e, which is encoded once too often/],
    ["..%2Fusers", /%2F/],
    ["a%00", /%00/],
    ["a\u0000b", /U\+0000/],
    ["a\nb", /U\+000A/],
    ["a\u007f", /U\+007F/],
    ["jane\u200b@example.com", /U\+200B/],
    ["\u202ejane", /U\+202E/],
    ["a\u2028b", /U\+2028/],
    ["a\ud800b", /U\+D800/],
    ["x".repeat(321), /is 321 characters long, and 320 is the maximum/],
    ["x".repeat(10_240), /10240 characters/],
  ])("refuses %j", (given, message) => {
    const parsed = parseIdentifier(given);
    expect(parsed.ok ? null : parsed.error.code).toBe("invalid_account");
    expect(parsed.ok ? null : parsed.error.message).toMatch(message);
    expect(parsed.ok ? "" : parsed.error.message).toMatch(/send an e-mail address/);
    expect(parsed.ok ? 0 : parsed.error.message.length).toBeLessThan(250);
  });

  it("gives all spellings of one name one key", () => {
    const spellings = [
      "jane@example.com",
      "JANE@EXAMPLE.COM",
      " mailto:Jane@Example.com",
      "CORP\\jane@example.com",
    ];
    expect(
      new Set(
        spellings.map((given) => {
          const parsed = parseIdentifier(given);
          return parsed.ok && parsed.value.key;
        }),
      ),
    ).toEqual(new Set(["email:jane@example.com"]));
  });

  it("never lets a path, a control character or `me` through, and is idempotent", () => {
    const part = fc.constantFrom(
      "me",
      "..",
      "/",
      "\\",
      "%2e",
      "%2F",
      "mailto:",
      "CORP\\",
      "a",
      "@",
      "\u0001",
      " ",
      '"',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string()), { maxLength: 8 }), (parts) => {
        const parsed = parseIdentifier(parts.join(""));
        if (!parsed.ok) return;
        const { value } = parsed.value;
        expect(value).not.toMatch(/\p{Cc}|^\.+$|^me$|%2[ef]/iu);
        if (!fitsIntoPath(parsed.value)) return;
        expect(new URL(`https://o.example/api/v1/users/${encodeURIComponent(value)}/x`).pathname).toMatch(
          /^\/api\/v1\/users\/[^/]+\/x$/,
        );
        expect(value.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe("foldCase", () => {
  it.each([
    ["ÉCOLE", "école"],
    ["\u212aevin", "\u212aevin"], // KELVIN SIGN
    ["\u0430dmin", "\u0430dmin"], // Cyrillic a
    ["straße", "straße"],
  ])("%j → %j", (given, folded) => expect(foldCase(given)).toBe(folded));
});

describe("searches", () => {
  it.each([
    [searchByEmail("a@b.c"), 'profile.email eq "a@b.c"'],
    [searchByShortName("jsmith"), 'profile.login sw "jsmith@"'],
    [searchByShortName('x" or status pr'), 'profile.login sw "x\\" or status pr@"'],
    [searchByShortName("a\\"), 'profile.login sw "a\\\\@"'],
    [searchByAddress('a"@b'), 'profile.email eq "a\\"@b" or profile.login eq "a\\"@b"'],
  ])("%s", (search, expected) => expect(search).toBe(expected));

  it("cannot be escaped by any value", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const literal = /^profile\.email eq (".*")$/s.exec(searchByEmail(value))?.[1] ?? "";
        // Inside the quotes, every quote and backslash is escaped.
        expect(literal.slice(1, -1).replace(/\\["\\]/g, "")).not.toMatch(/["\\]/);
      }),
    );
  });
});

describe("isNamed and hasEmail", () => {
  const names = { id, login: "Jane.Doe@Example.com", email: "JD@example.com" };
  const named = (given: string) => {
    const parsed = parseIdentifier(given);
    return parsed.ok && isNamed(parsed.value, names);
  };

  it.each([
    [id, true],
    [id.toLowerCase(), false],
    ["jane.doe@example.com", true],
    ["jane.doe", true],
    ["jane", false],
    ["jane.doe@example", false],
    ["jd@example.com", false],
    ["j\u0430ne.doe", false],
  ])("%s → %s", (given, expected) => expect(named(given)).toBe(expected));

  it.each([
    ["00uA1", true],
    ["00ua1", false],
    ["00UA1", false],
  ])("%s → %s, by an id of another form", (given, expected) => {
    const parsed = parseIdentifier(given);
    expect(parsed.ok && isNamed(parsed.value, { ...names, id: "00uA1" })).toBe(expected);
  });

  it("knows a login without a domain, and the profile's e-mail", () => {
    const parsed = parseIdentifier("svc-backup");
    expect(parsed.ok && isNamed(parsed.value, { ...names, login: "SVC-backup" })).toBe(true);
    expect(hasEmail("jd@example.com", names)).toBe(true);
    expect(hasEmail("jane.doe@example.com", names)).toBe(false);
    expect(hasEmail("jd@example.com", { ...names, email: null })).toBe(false);
  });
});
