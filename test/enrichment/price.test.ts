/** What look-ups cost: requests of Durable Objects and writes to KV, counted where they arrive. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { InventoryStream } from "../../src/sync/inventory-stream.ts";
import { passTime } from "../support/time.ts";
import { type Counted, counting, forgetPointers, newOrg, type Org, runUsers } from "./support.ts";

const LOOKUPS = 20;
/** Longer than answers stay in an object's memory, or a write to KV may be unseen. */
const MINUTE = 61_000;

interface Person {
  readonly id: string;
  readonly login: string;
  readonly email: string;
}

const people = (from: number, howMany = LOOKUPS): Person[] =>
  Array.from({ length: howMany }, (_, index) => {
    const number = from + index;
    return {
      id: `00uPerson${String(number).padStart(11, "0")}`,
      login: `p${number}x@example.com`,
      email: `mail.p${number}x@example.org`,
    };
  });

const hire = async (org: Org, persons: readonly Person[]): Promise<void> => {
  for (const { id, login, email } of persons) await org.user({ id, profile: { login, email } });
};

/** An org that the inventory knows. */
const knownOrg = async (persons: readonly Person[]): Promise<Org> => {
  const org = await newOrg({ limits: "none" });
  await hire(org, persons);
  await runUsers(org, "full");
  await org.calls();
  return org;
};

const eachOf = (counted: Counted, howMany: number): Counted => ({
  objectRequests: counted.objectRequests / howMany,
  kvReads: counted.kvReads / howMany,
  kvWrites: counted.kvWrites / howMany,
});

/** What each look-up has cost, once all that it has set going has come to rest. */
const costOf = async (org: Org, names: readonly string[], cached: boolean): Promise<Counted> => {
  const counted = counting();
  for (const name of names) {
    expect((await org.ask(name)).okta).toMatchObject({ success: true, found: true, stale: false, cached });
  }
  // The counters of look-ups are sent a second later.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  vi.restoreAllMocks();
  return eachOf(counted, names.length);
};

beforeEach(() => {
  for (const method of ["log", "warn", "error"] as const)
    vi.spyOn(console, method).mockImplementation(() => {});
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("an uncached look-up", () => {
  it.each<[string, (person: Person) => string]>([
    ["id", ({ id }) => id],
    ["login", ({ login }) => login],
    ["short login", ({ login }) => login.split("@")[0] ?? ""],
    ["e-mail", ({ email }) => email],
  ])("by %s takes at most 4.5 object requests and 1.2 writes to KV", async (_, name) => {
    const persons = people(0);
    const org = await knownOrg(persons);
    await org.ask("nobody"); // the gate has learned how large the buckets are
    const { objectRequests, kvWrites } = await costOf(org, persons.map(name), false);
    expect(objectRequests).toBeLessThanOrEqual(4.5);
    expect(kvWrites).toBeLessThanOrEqual(1.2);
  });

  it("where the inventory is empty writes an alias for each name, so that all of them hit", async () => {
    const [jane] = people(0, 1);
    if (jane === undefined) throw new Error("nobody");
    const org = await newOrg({ limits: "none" });
    await hire(org, [jane]);
    expect((await costOf(org, [jane.id], false)).kvWrites).toBe(3);
    await org.calls();
    for (const name of [jane.id, jane.login, jane.email]) {
      passTime(MINUTE);
      forgetPointers();
      expect((await costOf(org, [name], true)).objectRequests).toBeLessThanOrEqual(1); // the counters' own
    }
    expect(await org.calls()).toEqual({});
  });
});

describe("a cached look-up", () => {
  it("by a name that this isolate has seen takes one read of KV, and no object", async () => {
    const persons = people(0);
    const org = await knownOrg(persons);
    for (const { login } of persons) await org.ask(login);
    const logins = persons.map(({ login }) => login);
    const { objectRequests, kvReads, kvWrites } = await costOf(org, logins, true);
    expect({ kvReads, kvWrites }).toEqual({ kvReads: 1, kvWrites: 0 });
    expect(objectRequests).toBeLessThanOrEqual(2 / LOOKUPS); // the counters' own
  });

  it("is one by every name of the account, also where no isolate has seen it", async () => {
    const persons = people(0, 4);
    const org = await knownOrg(persons);
    const names = ({ id, login, email }: Person): string[] => [
      id,
      login,
      login.toUpperCase(),
      email,
      `CORP\\${login}`,
    ];
    for (const [index, person] of persons.entries()) {
      await org.ask([person.id, person.login, person.email, person.login.split("@")[0] ?? ""][index] ?? "");
      await org.calls();
      for (const name of names(person)) {
        passTime(MINUTE);
        forgetPointers();
        expect((await org.ask(name)).okta, `${name} after ${index}`).toMatchObject({
          cached: true,
          extracted: { user_id: person.id },
        });
      }
      expect(await org.calls()).toEqual({});
    }
    // The short name is one of the account's only once Okta has said so.
    const [short] = persons[3]?.login.split("@") ?? [];
    passTime(MINUTE);
    forgetPointers();
    expect((await org.ask(short ?? "")).okta).toMatchObject({ cached: true });
  });

  it("by a name that keeps being asked for elsewhere gets an alias, once", async () => {
    const persons = people(0, 1);
    const org = await knownOrg(persons);
    const login = persons[0]?.login ?? "";
    await org.ask(login);
    const elsewhere = async (): Promise<Counted> => {
      passTime(MINUTE);
      forgetPointers();
      return costOf(org, [login], true);
    };
    expect((await elsewhere()).kvWrites).toBe(1);
    const later = await elsewhere();
    expect(later).toMatchObject({ kvWrites: 0, kvReads: 2 });
    expect(later.objectRequests).toBeLessThanOrEqual(1); // the counters' own
  });

  it("by a name without an alias has what was looked up by another name since", async () => {
    const persons = people(0, 1);
    const org = await knownOrg(persons);
    const [{ id, login } = { id: "", login: "" }] = persons;
    await org.ask(login);
    await org.control("PATCH", `/users/${id}`, { profile: { department: "Sales" } });
    passTime(1_000);
    await org.ask(id, "?refresh=true");
    forgetPointers();
    expect((await org.ask(login)).okta).toMatchObject({ cached: true, extracted: { department: "Sales" } });
    await org.control("PATCH", `/users/${id}`, { profile: { login: "renamed@example.com" } });
    passTime(1_000);
    await org.ask(id, "?refresh=true");
    forgetPointers();
    expect((await org.ask(login)).okta).toMatchObject({ found: false, cached: false });
  });

  it("is no longer one where the name has come to lead elsewhere, also once that is forgotten", async () => {
    const persons = people(0, 2);
    const org = await knownOrg(persons);
    const [jane, john] = persons;
    const email = jane?.email ?? "";
    await org.ask(email);
    passTime(1_000);
    await org.control("PATCH", `/users/${john?.id}`, { profile: { email } });
    expect((await org.ask(email, "?refresh=true")).okta).toMatchObject({
      found: false,
      matches: { length: 2 },
    });
    // The refusal to pick one is kept for a minute. The inventory still takes the e-mail for the first one's alone.
    passTime(MINUTE);
    forgetPointers();
    expect((await org.ask(email)).okta).toMatchObject({
      found: false,
      cached: false,
      matches: { length: 2 },
    });
  });

  it("is a look-up where the inventory keeps silent and there is no alias, with aliases from then on", async () => {
    const persons = people(0, 1);
    const org = await knownOrg(persons);
    const login = persons[0]?.login ?? "";
    await org.ask(login);
    passTime(MINUTE);
    forgetPointers();
    const silent = vi.spyOn(InventoryStream.prototype, "whoIs").mockRejectedValue(new Error("overloaded"));
    expect((await org.ask(login)).okta).toMatchObject({ found: true, cached: false, stale: false });
    passTime(MINUTE);
    forgetPointers();
    expect((await org.ask(login)).okta).toMatchObject({ found: true, cached: true });
    expect(silent).toHaveBeenCalled();
  });
});

it("what a run invalidates costs no more than a write for each cached account", async () => {
  const persons = people(0);
  const org = await knownOrg(persons);
  for (const { login } of persons) await org.ask(login);
  for (const { id } of persons.slice(0, 5)) await org.control("POST", `/users/${id}/suspend`);
  const counted = counting();
  await runUsers(org, "delta");
  await vi.waitFor(() => expect(counted.kvWrites).toBe(5));
  vi.restoreAllMocks();
  for (const { id, login } of persons.slice(0, 5)) {
    forgetPointers();
    expect((await org.ask(login)).okta).toMatchObject({
      cached: false,
      extracted: { user_id: id, status: "SUSPENDED" },
    });
  }
  expect((await env.ENRICHMENT_CACHE.list({ prefix: `${org.connection}/alias/` })).keys).toEqual([]);
});
