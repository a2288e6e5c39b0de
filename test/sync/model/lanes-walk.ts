/**
 * A model test of both lanes: full runs and delta runs of one stream go on at the same time while the org changes, calls
 * fail, time passes and the object dies, between any two calls. Two things must hold:
 * - at once: what the log has told before a delta run began is in the inventory when that run has ended, whatever a full
 *   run is in the middle of and however far Okta's lists are behind
 * - in the end: once nothing changes any more, the inventory equals the org
 *
 * Time is moved and never waited for, so a walk takes little longer than its calls. A failure names its seed:
 * `SEED=7 npx vitest run test/sync/model/lanes` walks from there.
 */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { OrgOptionsInput } from "../../../dev/okta-org/options.ts";
import { createRandom, type Random } from "../../../dev/okta-org/org/random.ts";
import type { RunKind } from "../../../src/contract/status.ts";
import type { StreamName } from "../../../src/contract/streams.ts";
import { nextPollAt } from "../../../src/sync/hooks.ts";
import { type Machine, withMachine } from "../../support/machine.ts";
import { createOrg, differences, expectedDevices, expectedUsers, type TestOrg } from "../../support/org.ts";
import { long } from "../../support/seeds.ts";
import { stopTime } from "../../support/time.ts";
import { FAULTS } from "./faults.ts";

const CONNECTION = "t20";
const STEPS = long ? 2000 : 150;
/** Steps between two comparisons with nothing going on. */
const STRETCH = 40;
/** Far beyond every lag and overlap: what happened before is visible everywhere after it. */
const QUIET_MS = 10 * 60_000;
const LAG_MS = 45_000;
/** More slices than any run takes. */
const ENOUGH = 3000;

const ACTIONS = {
  churn: 30,
  "full run": 5,
  "delta run": 10,
  "full cron": 2,
  "delta cron": 4,
  hook: 6,
  fault: 6,
  clock: 8,
  eviction: 4,
  kill: 5,
  cancel: 2,
  everyone: 1,
  "lost cursor": 1,
  work: 22,
} as const;

/** An org whose lists, searches and log lag in some way or not at all. */
const orgOf = (seed: number, random: Random): OrgOptionsInput => ({
  users: 25 + random.int(30),
  groups: random.chance(0.3) ? 60 : 6 + random.int(12),
  devices: 10 + random.int(10),
  seed,
  searchLagMs: random.int(2) * LAG_MS,
  listLagMs: random.int(2) * LAG_MS,
  logDelayMs: random.chance(0.3) ? 40_000 : 0,
  logShuffle: random.chance(0.5),
  logDuplicates: random.int(2) * 0.2,
  everyoneIncludesDeprovisioned: random.chance(0.5),
  assigneesIncludeGroupInherited: random.chance(0.5),
  clockOffsetMs: (random.int(3) - 1) * 700_000,
  windowMs: 20_000,
  limits: random.chance(0.5)
    ? "none"
    : { "/api/v1/users": 12, "/api/v1/groups": 12, "/api/v1": 16, "/api/v1/devices": 8 },
});

/** Where the inventory keeps what it knows about an asset, and the column with the asset's id. */
const TABLES = [
  ["assets", "id"],
  ["admins", "user_id"],
  ["memberships", "user_id"],
  ["membership_events", "user_id"],
  ["absentees", "id"],
  ["stale", "id"],
] as const;

class Walk {
  readonly #random: Random;
  readonly #seed: number;
  readonly #org: TestOrg;
  readonly #options: OrgOptionsInput;
  readonly #stream: StreamName;
  readonly #log: string[] = [];
  /** Whether anything may happen between two calls. */
  #wild = false;
  /** How many more calls the object lives for; null: for good. */
  #killAfter: number | null = null;
  /** The runs that were answered and have to show up in the history. */
  #answered = new Set<string>();
  #machine!: Machine;

  constructor(seed: number, random: Random, org: TestOrg, options: OrgOptionsInput, stream: StreamName) {
    this.#seed = seed;
    this.#random = random;
    this.#org = org;
    this.#options = options;
    this.#stream = stream;
  }

  /** What happens before a call to Okta. @returns false if the object dies instead of making it */
  async beforeCall(): Promise<boolean> {
    if (this.#killAfter !== null && --this.#killAfter < 0) {
      this.#killAfter = null;
      this.#note("killed");
      return false;
    }
    if (!this.#wild) return true;
    const random = this.#random;
    if (random.chance(0.12)) this.#note(...(await this.#org.churn(1)));
    if (random.chance(0.03)) await this.#start("delta");
    if (random.chance(0.01)) await this.#start("full");
    if (random.chance(0.02)) await this.#hook();
    if (random.chance(0.02)) await this.#pass(random.int(20_000));
    return true;
  }

  async go(machine: Machine): Promise<void> {
    this.#machine = machine;
    const random = this.#random;
    await this.#start("full");
    // In some walks, everything begins to change before the first full run has ended.
    if (random.chance(0.5)) await this.#toRest();
    for (let step = 1; step <= STEPS; step++) {
      await this.#act();
      if (step % 4 === 0) await this.#expectNews();
      if (step % STRETCH === 0) await this.#expectAll();
    }
  }

  async #act(): Promise<void> {
    const random = this.#random;
    const machine = this.#machine;
    this.#wild = true;
    const action = drawn(ACTIONS, random);
    switch (action) {
      case "churn":
        this.#note(...(await this.#org.churn(1 + random.int(4))));
        break;
      case "full run":
      case "delta run":
        await this.#start(action === "full run" ? "full" : "delta");
        break;
      case "full cron":
      case "delta cron":
        this.#note(action);
        await machine.stream.wake(action === "full cron" ? "full" : "delta");
        break;
      case "hook":
        await this.#hook();
        break;
      case "fault": {
        const kind = random.pick(FAULTS);
        this.#note(`fault ${kind}`);
        const match = { path: "/api/v1", times: 1 + random.int(3), after: random.int(4) };
        await this.#org.fault({ match, kind });
        break;
      }
      case "clock":
        await this.#pass(random.int(90_000));
        break;
      case "eviction":
        this.#note("eviction");
        machine.evict();
        break;
      case "kill":
        this.#killAfter = random.int(12);
        break;
      case "cancel":
        await this.#cancel();
        break;
      case "everyone":
        await this.#changeEveryone();
        break;
      case "lost cursor":
        this.#note("the cursor of the log is lost");
        machine.storage.sql.exec(
          "UPDATE meta SET value = json_set(value, '$.next', ?) WHERE key = 'log'",
          `${this.#org.origin}/api/v1/logs?after=gone&limit=1000`,
        );
        break;
      case "work": {
        const slices = random.chance(0.2) ? 60 : 1 + random.int(6);
        this.#note(`up to ${slices} slices`);
        for (let n = 0; n < slices && (await this.#slice()); n++);
      }
    }
    this.#wild = false;
  }

  /** Asks for a delta run, and compares as soon as it has ended, whatever else is going on. */
  async #expectNews(): Promise<void> {
    const { logDelayMs, searchLagMs } = this.#options;
    // Of devices, the log does not tell everything: what Okta Verify reports is only found by a search.
    const isTold = logDelayMs === 0 && (this.#stream === "users" || searchLagMs === 0);
    if (!isTold || !this.#isComplete()) return;
    await this.#quiet();
    const id = await this.#start("delta");
    for (let n = 0; n < ENOUGH && this.#machine.isOn("delta"); n++) await this.#slice();
    const run = this.#machine.stream.runs().find((one) => one.id === id);
    // A run that has found a gap leaves the rest to a full run.
    if (run?.error?.code === "log_gap" || !this.#isComplete()) return;
    expect(run, this.#story("a delta run")).toMatchObject({ kind: "delta", state: "done" });
    const { state, run: current } = await this.#machine.stream.status();
    await this.#expectEqual(`at once, ${state} ${current?.phase ?? ""}`);
  }

  /** Lets everything come to rest, and compares. */
  async #expectAll(): Promise<void> {
    await this.#quiet();
    // A cron starts what is due: the full run after a gap, if somebody has cancelled it.
    await this.#machine.stream.wake("delta");
    await this.#toRest();
    await this.#pass(QUIET_MS);
    await this.#start("delta");
    await this.#toRest();
    await this.#expectEqual("in the end");
    const { held_deletions: held } = await this.#machine.stream.status();
    expect(held, this.#story("held deletions")).toBe(0);
    const runs = this.#machine.stream.runs();
    const ended = new Set(runs.filter(({ state }) => state !== "running").map(({ id }) => id));
    expect(
      [...this.#answered].filter((id) => !ended.has(id)),
      this.#story("lost runs"),
    ).toEqual([]);
    this.#answered.clear();
    expect((await this.#org.stats()).violations, this.#story("violations")).toBe(0);
  }

  /** From now on, nothing fails and nothing changes. */
  async #quiet(): Promise<void> {
    this.#killAfter = null;
    await this.#org.clearFaults();
  }

  async #expectEqual(when: string): Promise<void> {
    const dump = await this.#org.dump();
    const expected = this.#stream === "users" ? expectedUsers(dump) : expectedDevices(dump);
    const [first] = differences(this.#machine.living(), expected);
    if (first !== undefined)
      expect(first.is, this.#story(`${when}, ${first.id}`, first.id)).toEqual(first.should);
  }

  async #toRest(): Promise<void> {
    for (let n = 0; n < ENOUGH; n++) if (!(await this.#slice())) return;
    throw new Error(this.#story("no rest"));
  }

  /** @returns false if there is nothing to do */
  async #slice(): Promise<boolean> {
    const worked = await this.#machine.slice();
    const hooks = JSON.parse(String(this.#meta("hooks", "") ?? "null"));
    const isDue = hooks !== null && nextPollAt(hooks) !== null;
    const isOn = this.#machine.isOn("full") || this.#machine.isOn("delta") || isDue;
    expect(this.#machine.alarm !== null, this.#story("an alarm exactly while a run is on")).toBe(isOn);
    return worked;
  }

  async #start(kind: RunKind): Promise<string> {
    const answer = await this.#machine.stream.startRun(kind);
    if (!answer.ok) throw new Error(answer.error.message);
    const { started, run } = answer.value;
    this.#answered.add(run.id);
    this.#note(`${started ? "started" : "asked for"} ${run.kind} ${run.id.slice(0, 4)}`);
    return run.id;
  }

  /** An event hook: it may name an event that the log never shows, come twice, or be forged. */
  async #hook(): Promise<void> {
    const random = this.#random;
    const uuids = random.chance(0.5) ? [] : [`${random.int(5)}`];
    this.#note(`a hook ${uuids.join()}`);
    for (let n = random.chance(0.2) ? 2 : 1; n > 0; n--) await this.#machine.stream.hook(uuids);
  }

  async #cancel(): Promise<void> {
    const answer = await this.#machine.stream.cancelRun();
    if (answer.ok) this.#note(`cancelled ${answer.value.kind} in ${answer.value.phase}`);
  }

  async #changeEveryone(): Promise<void> {
    const everyone = (await this.#org.dump()).groups.find(({ type }) => type === "BUILT_IN");
    if (everyone === undefined) return;
    const grants = everyone.roles.length === 0;
    this.#note(grants ? "Everyone gives a role" : "Everyone gives no role");
    const path = `/groups/${everyone.id}/roles`;
    await (grants
      ? this.#org.change("POST", path, { type: "REPORT_ADMIN" })
      : this.#org.change("DELETE", path));
  }

  async #pass(ms: number): Promise<void> {
    this.#note(`${ms} ms pass`);
    await this.#machine.passTime(ms);
  }

  /** Whether the inventory holds everything: a full run was complete, and no gap of the log has to be made up for. */
  #isComplete(): boolean {
    const runs = this.#machine.stream.runs();
    const last = this.#meta("schedule", "lastFullAt");
    const makesUp = runs.some(({ state, cause }) => state === "running" && cause === "gap");
    return last !== null && !this.#meta("schedule", "gapDue") && !makesUp;
  }

  #meta(key: string, field: string): SqlStorageValue {
    const [row] = this.#machine.storage.sql.exec(
      "SELECT value ->> ? AS value FROM meta WHERE key = ?",
      field === "" ? "$" : `$.${field}`,
      key,
    );
    return row?.["value"] ?? null;
  }

  #note(...lines: string[]): void {
    this.#log.push(...lines);
  }

  /** What led to a failure. @param id of an asset: what is stored about it is told as well */
  #story(what: string, id?: string): string {
    const rows = (table: string, column: string): string => {
      const found = this.#machine.storage.sql.exec(`SELECT * FROM ${table} WHERE ${column} = ?`, id ?? "");
      return `${table}: ${JSON.stringify(found.toArray())}`;
    };
    const stored = id === undefined ? [] : TABLES.map(([table, column]) => rows(table, column));
    return [
      `seed ${this.#seed}, ${this.#stream}, ${what}`,
      JSON.stringify(this.#options),
      ...this.#log.slice(-100),
      ...stored,
    ].join("\n");
  }
}

/** One of the names, each as often as its number says. */
const drawn = <T extends string>(weights: Readonly<Record<T, number>>, random: Random): T => {
  const all = Object.keys(weights) as T[]; // a literal of this file
  let left = random.int(all.reduce((sum, name) => sum + weights[name], 0));
  for (const name of all) {
    left -= weights[name];
    if (left < 0) return name;
  }
  throw new Error("no weights");
};

const walk = async (seed: number, stream: StreamName): Promise<void> => {
  const random = createRandom(seed, "lanes");
  const options = orgOf(seed, random);
  stopTime();
  const org = await createOrg(CONNECTION, options);
  await org.control("POST", "/clock", { stop: true });
  const walk = new Walk(seed, random, org, options, stream);
  await withMachine(
    {
      org,
      stream,
      callsPerSlice: 3 + random.int(30),
      pageSize: random.chance(0.5) ? 5 : 12,
      beforeCall: () => walk.beforeCall(),
    },
    (machine) => walk.go(machine),
  );
};

/** Defines a test for each seed. Each moves the clock of the whole file, so they follow one another. */
export const walkLanesFrom = (seeds: readonly number[]): void => {
  describe("both lanes of a stream follow the org", () => {
    afterEach(() => reset());

    test.each(
      seeds.map((seed) => ({ seed, stream: seed % 5 === 0 ? ("devices" as const) : ("users" as const) })),
    )("of $stream, seed $seed", { timeout: long ? 7_200_000 : 600_000 }, ({ seed, stream }) =>
      walk(seed, stream),
    );
  });
};
