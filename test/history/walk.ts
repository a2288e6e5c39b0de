/**
 * A model test of the history. While an org changes, calls fail and the object dies, snapshots of the org are taken
 * whenever everything has come to rest. Then, from each earlier snapshot on:
 * - the changes that the history tells since, one after another, lead from the state of then to the state of now, field by
 *   field; each fits the state before it, so none is doubled and none is lost
 * - what the history says was so at that moment is what the org was like
 * - whatever the log told has its actor
 */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { OrgOptionsInput } from "../../dev/okta-org/options.ts";
import { createRandom, type Random } from "../../dev/okta-org/org/random.ts";
import type { Change } from "../../src/contract/changes.ts";
import { extract } from "../../src/enrichment/answer.ts";
import { accountAt } from "../../src/enrichment/past-account.ts";
import { type Machine, withMachine } from "../support/machine.ts";
import { createOrg, type TestOrg } from "../support/org.ts";
import { long } from "../support/seeds.ts";
import { stopTime } from "../support/time.ts";
import { after, type GroupState, groupAfter, groupStatesOf, type State, statesOf } from "./states.ts";

const CONNECTION = "t19";
const STRETCHES = long ? 30 : 6;
/** Far beyond every lag and overlap: what happened before is visible everywhere after it. */
const QUIET_MS = 10 * 60_000;
const LAG_MS = 45_000;

const orgOf = (seed: number, random: Random): OrgOptionsInput => ({
  users: 15 + random.int(15),
  groups: 4 + random.int(6),
  devices: 6,
  seed,
  searchLagMs: random.int(2) * LAG_MS,
  listLagMs: random.int(2) * LAG_MS,
  logDelayMs: random.chance(0.4) ? 40_000 : 0,
  logDuplicates: random.int(2) * 0.2,
  everyoneIncludesDeprovisioned: random.chance(0.5),
  assigneesIncludeGroupInherited: random.chance(0.5),
});

interface Snapshot {
  /** ms by the org's clock */
  readonly at: number;
  readonly states: ReadonlyMap<string, State>;
  readonly groups: ReadonlyMap<string, GroupState>;
}

class Walk {
  readonly #random: Random;
  readonly #org: TestOrg;
  readonly #machine: Machine;
  readonly #story: string[];
  readonly #kill: (after: number | null) => void;
  readonly #snapshots: Snapshot[] = [];
  /** The ids of groups by all names that they have had. */
  readonly #groups = new Map<string, string>();

  constructor(
    random: Random,
    org: TestOrg,
    machine: Machine,
    { story, kill }: { story: string[]; kill: (after: number | null) => void },
  ) {
    this.#random = random;
    this.#org = org;
    this.#machine = machine;
    this.#story = story;
    this.#kill = kill;
  }

  async go(): Promise<void> {
    await this.#run("full");
    await this.#settle();
    await this.#snap();
    for (let stretch = 0; stretch < STRETCHES; stretch++) {
      const steps = 2 + this.#random.int(8);
      for (let step = 0; step < steps; step++) await this.#act();
      await this.#settle();
      await this.#snap();
      await this.#check();
    }
  }

  async #act(): Promise<void> {
    const random = this.#random;
    const choice = random.int(10);
    if (choice < 5) {
      this.#story.push(...(await this.#org.churn(1 + random.int(4))));
      await this.#machine.passTime(1 + random.int(5_000));
    } else if (choice < 7) {
      await this.#run("delta");
    } else if (choice < 8) {
      this.#story.push("kill");
      this.#kill(random.int(10));
      await this.#run(random.chance(0.5) ? "delta" : "full");
    } else if (choice < 9) {
      await this.#machine.stream.startRun(random.chance(0.5) ? "delta" : "full");
      for (let n = 0; n < 1 + random.int(4); n++) await this.#machine.slice();
    } else {
      await this.#machine.passTime(random.int(90_000));
      this.#machine.evict();
    }
  }

  async #run(kind: "full" | "delta"): Promise<void> {
    this.#story.push(kind);
    await this.#machine.stream.startRun(kind);
    await this.#machine.toRest();
  }

  /** Lets everything come to rest. */
  async #settle(): Promise<void> {
    this.#kill(null);
    await this.#machine.toRest();
    await this.#machine.passTime(QUIET_MS);
    await this.#run("delta");
    await this.#machine.passTime(QUIET_MS);
    await this.#run("full");
    await this.#machine.passTime(60_000);
  }

  async #snap(): Promise<void> {
    const dump = await this.#org.dump();
    const states = statesOf(dump);
    for (const { id, profile } of dump.groups) this.#groups.set(String(profile["name"]), id);
    const { now } = await this.#org.control<{ now: string }>("POST", "/clock", { advance_ms: 0 });
    this.#story.push(`snapshot ${this.#snapshots.length} ${now}`);
    this.#snapshots.push({ at: Date.parse(now), states, groups: groupStatesOf(dump) });
  }

  /** Everything that is told of a user, oldest first. */
  #history(id: string): Change[] {
    const { stream } = this.#machine;
    const changes: Change[] = [];
    let next: string | undefined;
    do {
      const query = next === undefined ? { limit: 7 } : { limit: 7, after: next };
      const page = stream.changes.of(id, query, stream.keptSince);
      if (page === null) return [];
      changes.push(...page.changes);
      next = page.next ?? undefined;
    } while (next !== undefined);
    return changes.reverse();
  }

  #groupId(name: unknown): string {
    return this.#groups.get(String(name)) ?? String(name);
  }

  async #check(): Promise<void> {
    const now = this.#snapshots.at(-1);
    if (now === undefined) return;
    for (const [index, then] of this.#snapshots.slice(0, -1).entries())
      for (const [id, was] of then.groups) {
        const since = this.#history(id).filter(({ at }) => Date.parse(at) > then.at);
        const told = `group ${id} from snapshot ${index}\n${since.map((change) => JSON.stringify(change)).join("\n")}`;
        const is = since.reduce<GroupState | null>(
          (state, change) => state && groupAfter(state, change),
          was,
        );
        expect(is, `${this.#story.join("\n")}\n${told}`).toEqual(now.groups.get(id) ?? null);
      }
    const ids = new Set(this.#snapshots.flatMap(({ states }) => [...states.keys()]));
    for (const id of ids) {
      const history = this.#history(id);
      for (const { id: changed, fields } of history)
        for (const field of fields)
          if (field.field === "name" && "before" in field) this.#groups.set(String(field.before), changed);
      for (const [index, then] of this.#snapshots.slice(0, -1).entries()) {
        const since = history.filter(({ at }) => Date.parse(at) > then.at);
        const tell = (what: string) =>
          [
            `${what}: ${id} from snapshot ${index} ${new Date(then.at).toISOString()}`,
            ...this.#story.filter(
              (line) => !line.includes(":") || line.includes(id) || line.includes("group"),
            ),
            ...since.map((change) => JSON.stringify(change)),
            `all: ${JSON.stringify(history)}`,
          ].join("\n");
        this.#expectReplay(id, then, now, since, tell);
        this.#expectPast(id, then, tell);
      }
    }
  }

  #expectReplay(
    id: string,
    then: Snapshot,
    now: Snapshot,
    since: readonly Change[],
    tell: (what: string) => string,
  ) {
    let state = then.states.get(id) ?? null;
    for (const change of since) {
      if (change.id === id && change.kind === "deleted") state = null;
      else if (state === null) {
        // What a new user has besides the record is read for the first time, and not told.
        state = change.id === id && change.kind === "created" ? (now.states.get(id) ?? null) : null;
        if (state !== null) return;
      } else {
        try {
          state = after(state, change, id, (name) => this.#groupId(name));
        } catch (error) {
          expect.fail(tell(`${String(error)} in ${JSON.stringify(change)}`));
        }
      }
    }
    expect(plain(state), tell("replayed")).toEqual(plain(now.states.get(id) ?? null));
  }

  #expectPast(id: string, then: Snapshot, tell: (what: string) => string): void {
    const past = this.#machine.stream.pastAccount(id, then.at);
    const should = then.states.get(id) ?? null;
    if (past.found !== "one") {
      expect(should, tell("not found in the past")).toBe(null);
      return;
    }
    const was = accountAt(past, then.at);
    if (should === null || was === null) {
      expect(was === null, tell("existence in the past")).toBe(should === null);
      return;
    }
    const { extracted, incomplete } = extract(was.account, []);
    const unknown = new Set([...incomplete, ...was.untold].map(({ field }) => field));
    // At rest, nothing was in the middle of a change. Neither sign-ins nor devices are part of the history.
    expect(
      [...unknown].filter((field) => field !== "last_login" && field !== "devices"),
      tell("unknown in the past"),
    ).toEqual([]);
    const told: Readonly<Record<string, unknown>> = { ...extracted };
    for (const [field, value] of should.fields) expect(told[field], tell(`${field} in the past`)).toBe(value);
    const groups = (extracted.groups ?? []).map((name) => this.#groupId(name));
    expect(groups.sort(), tell("groups in the past")).toEqual(should.groups);
    const factors = (extracted.mfa_factors_detail ?? []).map((row) =>
      JSON.stringify([row.name, row.provider, row.enrolled_at]),
    );
    expect(factors.sort(), tell("factors in the past")).toEqual(should.factors);
    const roles = (extracted.admin_roles_detail ?? []).map(({ label, assignment, group }) =>
      JSON.stringify([label, assignment, group === null ? null : this.#groupId(group)]),
    );
    const through = should.groups.flatMap((group) => then.groups.get(group)?.roles ?? []);
    expect(roles.sort(), tell("roles in the past")).toEqual([...should.roles, ...through].sort());
  }
}

const plain = (state: State | null) => state && { ...state, fields: Object.fromEntries(state.fields) };

const walk = async (seed: number): Promise<void> => {
  const random = createRandom(seed, "history");
  stopTime();
  const org = await createOrg(CONNECTION, orgOf(seed, random));
  await org.control("POST", "/clock", { stop: true });
  const story: string[] = [`seed ${seed}`];
  let killAfter: number | null = null;
  await withMachine(
    {
      org,
      stream: "users",
      callsPerSlice: 5 + random.int(40),
      pageSize: random.chance(0.5) ? 5 : 12,
      beforeCall: async () => {
        if (killAfter === null || --killAfter >= 0) return true;
        killAfter = null;
        return false;
      },
    },
    (machine) =>
      new Walk(random, org, machine, {
        story,
        kill: (calls) => {
          killAfter = calls;
        },
      }).go(),
  );
};

/** Defines a test for each seed. Each moves the clock of the whole file, so they follow one another. */
export const walkHistoryFrom = (seeds: readonly number[]): void => {
  describe("the history leads from what was to what is", () => {
    afterEach(() => reset());
    test.each(seeds)("seed %i", { timeout: long ? 7_200_000 : 600_000 }, (seed) => walk(seed));
  });
};
