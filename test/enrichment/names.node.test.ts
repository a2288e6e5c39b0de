import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StoredEntry } from "../../src/enrichment/cache-entries.ts";
import { type Identifier, parseIdentifier } from "../../src/enrichment/identifier.ts";
import { confirmedAt, confirmedBy, namesToStore } from "../../src/enrichment/names.ts";
import { examples } from "../support/seeds.ts";
import { janeAt } from "./jane.ts";

const T0 = Date.parse("2025-06-30T12:00:00Z");
const HOUR = 3_600_000;

const named = (name: string): Identifier => {
  const parsed = parseIdentifier(name);
  if (!parsed.ok) throw new Error(name);
  return parsed.value;
};

const account = (login: string, email: string) => janeAt(T0, { login, email });
const { id } = account("", "");

/** What is stored after one look-up of the account. */
const stored = (
  asked: string,
  { login, email, isUnique = true }: { login: string; email: string; isUnique?: boolean },
  at: number,
  before: StoredEntry | null = null,
): StoredEntry => {
  const looked = account(login, email);
  const confirmed = confirmedBy(named(asked), looked, isUnique);
  return { account: looked, at, previous: null, names: namesToStore(confirmed, looked, before, at) };
};

describe("the names of a stored account", () => {
  const jane = { login: "jane@example.com", email: "mail@example.org" };

  it.each([
    ["id", id, T0],
    ["login", "JANE@example.com", T0],
    ["e-mail", "mail@example.org", T0],
    ["short name that was asked for", "jane", T0],
    ["another's", "john", null],
  ])("%s", (_, name, at) => expect(confirmedAt(named(name), stored("jane", jane, T0), null)).toBe(at));

  it("are not the e-mail that somebody else has as well, also if it was the account's alone before", () => {
    const before = stored("mail@example.org", jane, T0);
    const after = stored(id, { ...jane, isUnique: false }, T0 + HOUR, before);
    expect(confirmedAt(named("mail@example.org"), after, null)).toBeNull();
    expect(confirmedAt(named("mail@example.org"), after, T0)).toBeNull();
  });

  it("keep their age when a later look-up does not confirm them", () => {
    const after = stored(id, jane, T0 + HOUR, stored("jane", jane, T0));
    expect(confirmedAt(named("jane"), after, null)).toBe(T0);
    expect(confirmedAt(named("jane@example.com"), after, null)).toBe(T0 + HOUR);
  });

  it("of version 0.1.0 are confirmed by the alias, as it was stored only after Okta's answer", () => {
    const entry: StoredEntry = {
      account: account(jane.login, jane.email),
      at: T0,
      previous: null,
      names: null,
    };
    expect(confirmedAt(named("mail@example.org"), entry, T0 - HOUR)).toBe(T0 - HOUR);
    expect(confirmedAt(named("mail@example.org"), entry, null)).toBeNull();
    expect(confirmedAt(named("john@example.com"), entry, T0)).toBeNull();
  });

  it("are those of a model that only remembers what Okta has said", () => {
    const logins = ["ann@x.io", "bob@x.io", "ann@y.io"];
    const names = [...logins, "ann", "bob", id];
    const lookup = fc.record({
      asked: fc.constantFrom(...names),
      login: fc.constantFrom(...logins),
      email: fc.constantFrom(...logins),
      isUnique: fc.boolean(),
      hours: fc.integer({ min: 1, max: 9 }),
    });
    const fits = (name: string, { login, email }: { login: string; email: string }): boolean =>
      name === id || name === login || name === email || login.startsWith(`${name}@`);
    fc.assert(
      fc.property(fc.array(lookup, { minLength: 1, maxLength: 8 }), (lookups) => {
        let [at, entry]: [number, StoredEntry | null] = [T0, null];
        const said = new Map<string, number>();
        for (const { asked, hours, ...is } of lookups) {
          if (!fits(asked, is)) continue; // Okta would have answered with somebody else
          at += hours * HOUR;
          entry = stored(asked, is, at, entry);
          // A name that the account has no longer was never confirmed, should it come back.
          for (const name of said.keys()) if (!fits(name, is)) said.delete(name);
          if (is.email !== is.login && !is.isUnique) said.delete(is.email);
          for (const name of [asked, is.login, ...(is.isUnique ? [is.email] : [])]) said.set(name, at);
          for (const name of names) {
            const saidAt = name === id ? at : said.get(name);
            const expected = saidAt !== undefined && at - saidAt < 24 * HOUR ? saidAt : null;
            expect(confirmedAt(named(name), entry, null), name).toBe(expected);
          }
        }
      }),
      examples(300),
    );
  });
});
