/**
 * Random walks of an org whose names change hands, of look-ups by all of its names, of runs, of objects that lose their memory
 * and of a KV that shows writes late. The model knows nothing of caches: it keeps what the org was at each moment. An answer
 * that is not marked as stale says when it was true, and then it must have been.
 */
import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createRandom, type Random } from "../../dev/okta-org/org/random.ts";
import { lookupObjectNames, lookupShardName } from "../../src/contract/objects.ts";
import { parseIdentifier } from "../../src/enrichment/identifier.ts";
import { InventoryStream } from "../../src/sync/inventory-stream.ts";
import { long, seeds } from "../support/seeds.ts";
import { passTime, stopTime } from "../support/time.ts";
import { forgetPointers, newOrg, type Org, runUsers } from "./support.ts";

const TTL = 3_600_000;
const SHORT = 60_000;
/** An answer of this age is renewed in the background. */
const DUE = 0.9 * TTL;
/** KV shows a write this much later at most, ms. */
const LAG = 60_000;
const STEPS = long ? 400 : 120;

const ADDRESSES = ["ann@x.example", "bea@x.example", "ann@y.example", "cy@x.example", "dot@x.example"];
const LOGINS = [...ADDRESSES, "solo", "bea"];
const SHORT_NAMES = ["ann", "bea", "cy", "dot", "solo"];

/** A KV that any reader may see as it was up to a minute ago. */
class LateKv {
  readonly #writes = new Map<string, { at: number; value: string; until: number }[]>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  put(key: string, value: string, expirationTtl: number): void {
    const at = Date.now();
    this.#writes.set(key, [
      ...(this.#writes.get(key) ?? []),
      { at, value, until: at + expirationTtl * 1000 },
    ]);
  }

  get(key: string): string | null {
    const seenAt = Date.now() - (this.#random.chance(0.5) ? 0 : this.#random.int(LAG));
    const last = (this.#writes.get(key) ?? []).findLast(({ at }) => at <= seenAt);
    return last === undefined || last.until <= Date.now() ? null : last.value;
  }
}

const install = (kv: LateKv): void => {
  // Of all forms of these methods, look-ups use one each.
  const { ENRICHMENT_CACHE } = env as unknown as {
    ENRICHMENT_CACHE: Record<"get" | "put", (...args: never[]) => unknown>;
  };
  vi.spyOn(ENRICHMENT_CACHE, "get").mockImplementation(async (key: string) => kv.get(key));
  vi.spyOn(ENRICHMENT_CACHE, "put").mockImplementation(
    async (key: string, value: string, { expirationTtl }: { expirationTtl: number }) =>
      kv.put(key, value, expirationTtl),
  );
};

/** Evicts an AccountLookup, if it is in memory at all. */
const evicted = async (name: string): Promise<void> => {
  try {
    await evictDurableObject(env.ACCOUNT_LOOKUP.getByName(name));
  } catch (error) {
    if (!String(error).includes("not currently running")) throw error;
  }
};

/** One of these; the list must not be empty. */
const oneOf = <T>(random: Random, items: readonly T[]): T => {
  const item = items[random.int(items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
};

interface Person {
  readonly id: string;
  readonly login: string;
  readonly email: string;
}

type Whose = { readonly kind: "one"; readonly id: string } | { readonly kind: "none" | "many" };

/** What the org was since when, ms since the epoch. */
class History {
  readonly #states: { since: number; people: readonly Person[] }[] = [];

  get now(): readonly Person[] {
    return this.#states.at(-1)?.people ?? [];
  }

  set(people: readonly Person[]): void {
    this.#states.push({ since: Date.now(), people });
  }

  at(time: number): readonly Person[] {
    return this.#states.findLast(({ since }) => since <= time)?.people ?? [];
  }

  /** When somebody had last become what they were at a time, ms since the epoch. */
  changedBy(time: number, id: string): number {
    const until = this.#states.filter(({ since }) => since <= time);
    const was = (people: readonly Person[] = []): Person | undefined =>
      people.find((person) => person.id === id);
    const last = was(until.at(-1)?.people);
    const before = until.findLastIndex(({ people }) => was(people) !== last);
    return until[before + 1]?.since ?? 0;
  }

  /** All that somebody was from this time on. */
  since(time: number, id: string): readonly Person[] {
    const later = this.#states.filter(({ since }) => since > time).flatMap(({ people }) => people);
    return [...this.at(time), ...later].filter((person) => person.id === id);
  }
}

/** By id; by login; an address by e-mail; another name by the login before the "@". Nobody is picked among several. */
const whose = (name: string, people: readonly Person[]): Whose => {
  const rules: readonly ((person: Person) => boolean)[] = [
    ({ id }) => id === name,
    ({ login }) => login === name.toLowerCase(),
    ({ login, email }) =>
      name.includes("@") ? email === name.toLowerCase() : login.startsWith(`${name.toLowerCase()}@`),
  ];
  for (const rule of rules) {
    const [first, ...others] = people.filter(rule);
    if (first !== undefined) return others.length > 0 ? { kind: "many" } : { kind: "one", id: first.id };
  }
  return { kind: "none" };
};

class Walk {
  readonly #org: Org;
  readonly #random: Random;
  readonly #history = new History();
  /** When a run has seen each person's last change that any run has seen, ms since the epoch. */
  readonly #seenAt = new Map<string, number>();
  readonly #unseen = new Set<string>();
  /** Who was there when a run was. */
  readonly #known = new Set<string>();
  readonly #ids: string[] = [];
  readonly said: string[] = [];
  readonly found = { fresh: 0, cached: 0, nobody: 0 };

  constructor(org: Org, random: Random) {
    this.#org = org;
    this.#random = random;
  }

  async begin(): Promise<void> {
    for (let person = 0; person < 3; person++) await this.#hire();
    await this.#run("full");
  }

  async step(): Promise<void> {
    await this.#random.weighted<() => Promise<void>>([
      [() => this.#ask(), 12],
      [() => this.#rename(), 2],
      [() => this.#readdress(), 3],
      [() => this.#leave(), 0.5],
      [() => this.#hire(), 0.7],
      [() => this.#run("delta"), 1.5],
      [() => this.#evict(), 0.7],
      [async () => this.#pass(oneOf(this.#random, [10, 59, 70, 600, 1_900, 3_500])), 3],
    ])();
    await this.#pass(1 + this.#random.int(5));
  }

  async #pass(seconds: number): Promise<void> {
    passTime(seconds * 1000);
    await this.#org.control("POST", "/clock", { advance_ms: seconds * 1000 });
  }

  #say(what: string): void {
    this.said.push(`${Date.now() / 1000} ${what}`);
  }

  #changed(id: string, people: readonly Person[]): void {
    this.#history.set(people);
    this.#unseen.add(id);
  }

  /** There are more of them than people. */
  #freeLogin(): string {
    const taken = new Set(this.#history.now.map(({ login }) => login));
    const free = LOGINS.filter((login) => !taken.has(login));
    return oneOf(this.#random, free);
  }

  #anybody(): Person | null {
    const { now } = this.#history;
    return now.length === 0 ? null : oneOf(this.#random, now);
  }

  async #hire(): Promise<void> {
    if (this.#history.now.length >= 4) return;
    const login = this.#freeLogin();
    const email = oneOf(this.#random, ADDRESSES);
    const id = `00uPerson${String(this.#ids.length).padStart(11, "0")}`;
    this.#ids.push(id);
    this.#say(`hire ${id} ${login} ${email}`);
    await this.#org.user({ id, profile: { login, email } });
    this.#changed(id, [...this.#history.now, { id, login, email }]);
  }

  async #alter(change: Partial<Person>): Promise<void> {
    const person = this.#anybody();
    if (person === null) return;
    this.#say(`alter ${person.id} ${JSON.stringify(change)}`);
    await this.#org.control("PATCH", `/users/${person.id}`, { profile: change });
    const people = this.#history.now.map((other) => (other === person ? { ...other, ...change } : other));
    this.#changed(person.id, people);
  }

  async #rename(): Promise<void> {
    await this.#alter({ login: this.#freeLogin() });
  }

  async #readdress(): Promise<void> {
    await this.#alter({ email: oneOf(this.#random, ADDRESSES) });
  }

  async #leave(): Promise<void> {
    const person = this.#anybody();
    if (person === null) return;
    this.#say(`leave ${person.id}`);
    await this.#org.control("POST", `/users/${person.id}/deactivate`);
    await this.#org.control("DELETE", `/users/${person.id}`);
    this.#changed(
      person.id,
      this.#history.now.filter((other) => other !== person),
    );
  }

  async #run(kind: "full" | "delta"): Promise<void> {
    this.#say(kind);
    await runUsers(this.#org, kind);
    for (const id of this.#unseen) {
      // Who has come and gone since the last run is nobody whom it knows.
      if (this.#known.has(id)) this.#seenAt.set(id, Date.now());
    }
    this.#unseen.clear();
    for (const { id } of this.#history.now) this.#known.add(id);
  }

  async #evict(): Promise<void> {
    this.#say("evict");
    for (const name of lookupObjectNames(this.#org.connection)) {
      if (this.#random.chance(0.5)) await evicted(name);
    }
  }

  /** Waits for what is renewed in the background: it would take place while time passes, and be dated later than it was read. */
  async #renewed(name: string): Promise<void> {
    const parsed = parseIdentifier(name);
    if (!parsed.ok) throw new Error(name);
    const { connection } = this.#org;
    const shard = env.ACCOUNT_LOOKUP.getByName(lookupShardName(connection, parsed.value.key));
    await shard.lookUp({ connection, identifier: parsed.value, demand: "renew" });
  }

  async #ask(): Promise<void> {
    const random = this.#random;
    const name = oneOf(random, [
      ...this.#ids,
      ...ADDRESSES,
      ...ADDRESSES,
      ...SHORT_NAMES,
      "ANN@X.example",
      "Bea",
    ]);
    const refresh = random.chance(0.15);
    if (random.chance(0.5)) forgetPointers();
    const isSilent = random.chance(0.1);
    const silent = isSilent
      ? vi.spyOn(InventoryStream.prototype, "whoIs").mockImplementation(async () => {
          throw new Error("overloaded");
        })
      : null;
    const { status, okta } = await this.#org.ask(name, refresh ? "?refresh=true" : "");
    silent?.mockRestore();
    const now = Date.now();
    const at = Date.parse(okta.enriched_at ?? "");
    if (okta.cached && now - at >= DUE) await this.#renewed(name);
    const id = okta.extracted.user_id;
    const answer = okta.found === true ? `is ${id}` : (okta.matches?.join() ?? "nobody");
    this.#say(
      `ask ${name}${refresh ? " anew" : ""}${isSilent ? ", silently" : ""}: ${answer} as of ${at / 1000}`,
    );
    const context = this.said.slice(-40).join("\n");

    expect({ status, success: okta.success, stale: okta.stale }, context).toEqual({
      status: 200,
      success: true,
      stale: false,
    });
    const truth = whose(name, this.#history.at(at));
    if (okta.found === true) expect(truth, context).toEqual({ kind: "one", id });
    else expect(truth.kind, context).toBe(okta.matches === undefined ? "none" : "many");
    if (!okta.cached) expect(at, context).toBe(now);
    if (refresh) expect(okta.cached, context).toBe(false);
    expect(now - at, context).toBeLessThan(okta.found === true ? TTL : SHORT);
    if (okta.found !== true) {
      this.found.nobody += 1;
      return;
    }
    this.found[okta.cached ? "cached" : "fresh"] += 1;
    // What is told of the account was true then or later.
    const { login, email } = okta.extracted;
    expect(this.#history.since(at, String(id)), context).toContainEqual({ id, login, email });
    // What a run has seen change is not told as it was before, once KV shows everywhere what the run has written. A run
    // writes for those accounts only that it finds there, and it may not see yet what was written just before it.
    const seenAt = this.#seenAt.get(String(id)) ?? 0;
    if (now - seenAt >= LAG && seenAt - at >= LAG)
      expect(at, context).toBeGreaterThanOrEqual(this.#history.changedBy(seenAt, String(id)));
  }
}

beforeEach(() => {
  for (const method of ["log", "warn", "error"] as const)
    vi.spyOn(console, method).mockImplementation(() => {});
});

afterEach(() => {
  vi.restoreAllMocks();
});

stopTime();
passTime(1000 - (Date.now() % 1000));

it.each(seeds(long ? 20 : 5))(
  "no answer is another account's (seed %i)",
  { timeout: 600_000 },
  async (seed) => {
    const org = await newOrg({ users: 1, limits: "none" });
    const random = createRandom(seed, "names");
    install(new LateKv(random));
    const walk = new Walk(org, random);
    await walk.begin();
    for (let step = 0; step < STEPS; step++) await walk.step();
    // A walk that only looks up, or that finds nobody, shows nothing.
    for (const [kind, times] of Object.entries(walk.found)) expect(times, kind).toBeGreaterThan(0);
  },
);
