/**
 * Okta's side of the rate limits, with true windows, and holders that take permits, make calls and report them
 * late, out of order, or never. Steps in, the fullest window of our own calls out.
 */
import type { Bucket } from "../../../src/okta/endpoints.ts";
import { msUntilReset } from "../../../src/okta/gate/headers.ts";
import { checkIn, release } from "../../../src/okta/gate/holders.ts";
import { grant, observe } from "../../../src/okta/gate/ledger.ts";
import { emptyLedger, type Ledger } from "../../../src/okta/gate/ledger-state.ts";

export interface TrueBucket {
  readonly limit: number;
  readonly windowMs: number;
  readonly phaseMs: number;
  /** Calls of the customer's other applications in every window. */
  readonly others: number;
}

export interface World {
  /** Which true bucket each of ours really drains. */
  readonly drains: Partial<Record<Bucket, TrueBucket>>;
  readonly share: number;
  /** Okta's clock less ours, ms. */
  readonly skewMs: number;
}

export type Step =
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "ask"; readonly holder: number; readonly bucket: number; readonly want: number }
  /** Uses some of a holder's permits; the answers come after `latencyMs`, or never. */
  | {
      readonly do: "call";
      readonly holder: number;
      readonly bucket: number;
      readonly calls: number;
      readonly latencyMs: number;
      readonly answered: boolean;
    }
  /** A holder dies with all its permits and everything that it has not reported. */
  | { readonly do: "restart"; readonly holder: number }
  /** A holder reports the answers that it has, and gives back what it did not use. */
  | { readonly do: "done"; readonly holder: number };

interface Holder {
  readonly name: string;
  readonly priority: "interactive" | "background";
  life: number;
  /** When it last spoke with the gate: permits are not used for longer than a minute after it. */
  contactAt: number;
  held: Partial<Record<Bucket, number>>;
  /** Answers that have come or will come, with the time at which they come. */
  answers: { at: number; report: Parameters<typeof observe>[2] }[];
}

/** As in permits.ts. */
const LEASE_MS = 60_000;
/** A call is on its way to Okta for half of its latency, but not for longer than this. */
const MAX_WAY_MS = 4_000;
const START = 1_760_000_000_000;

export class Simulation {
  readonly ledger: Ledger = emptyLedger();
  /** Our calls by true bucket and window. */
  readonly #used = new Map<string, number>();
  readonly #world: World;
  readonly #buckets: Bucket[];
  readonly #holders: Holder[];
  #now = START;
  /** 429s that we ran into. */
  refusals = 0;
  /** The fullest of our windows, as a part of its share. */
  get fullest(): number {
    return Math.max(0, ...[...this.#used].map(([key, used]) => used / this.#cap(key)));
  }

  constructor(world: World, priorities: readonly Holder["priority"][]) {
    this.#world = world;
    this.#buckets = Object.keys(world.drains) as Bucket[]; // the keys are Buckets
    this.#holders = priorities.map((priority, index) => ({
      name: `holder/${index}`,
      priority,
      life: 0,
      contactAt: START,
      held: {},
      answers: [],
    }));
  }

  /** By how much the worst window is over our share; 0 or less is within it. */
  overshare(): number {
    return Math.max(0, ...[...this.#used].map(([key, used]) => used - this.#cap(key)));
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) this.#step(step);
  }

  #cap(key: string): number {
    const limit = Number(key.split("/")[1]);
    return Math.max(1, Math.floor(limit * this.#world.share));
  }

  #step(step: Step): void {
    switch (step.do) {
      case "wait":
        this.#now += step.ms;
        return;
      case "ask":
        this.ask(step.holder, step.bucket, step.want);
        return;
      case "call":
        for (let calls = 0; calls < step.calls; calls++) this.#call(step);
        return;
      case "restart": {
        const holder = this.#holder(step.holder);
        holder.life += 1;
        holder.held = {};
        holder.answers = [];
        return;
      }
      case "done": {
        const holder = this.#holder(step.holder);
        if (holder.answers.some(({ at }) => at > this.#now)) return; // calls are under way: not done
        this.#report(holder);
        release(this.ledger, holder.name);
        holder.held = {};
      }
    }
  }

  #holder(index: number): Holder {
    const holder = this.#holders[index % this.#holders.length];
    if (holder === undefined) throw new Error("no holders");
    return holder;
  }

  #bucket(index: number): Bucket {
    const bucket = this.#buckets[index % this.#buckets.length];
    if (bucket === undefined) throw new Error("no buckets");
    return bucket;
  }

  #report(holder: Holder): void {
    const { name, life, priority } = holder;
    if (this.#now - holder.contactAt > LEASE_MS) holder.held = {};
    holder.contactAt = this.#now;
    checkIn(this.ledger, { name, incarnation: String(life), priority }, this.#now);
    const come = holder.answers.filter(({ at }) => at <= this.#now);
    holder.answers = holder.answers.filter(({ at }) => at > this.#now);
    for (const { report } of come) observe(this.ledger, name, report, () => 0.5);
  }

  /** How many permits a holder gets now. */
  ask(index: number, bucketIndex: number, want: number): number {
    const holder = this.#holder(index);
    const bucket = this.#bucket(bucketIndex);
    this.#report(holder);
    const { granted } = grant(
      this.ledger,
      { holder: holder.name, bucket, want, priority: holder.priority },
      this.#world.share,
      this.#now,
    );
    holder.held[bucket] = (holder.held[bucket] ?? 0) + granted;
    return granted;
  }

  #call({ holder: index, bucket: bucketIndex, latencyMs, answered }: Step & { do: "call" }): void {
    const holder = this.#holder(index);
    const bucket = this.#bucket(bucketIndex);
    const held = holder.held[bucket] ?? 0;
    const truth = this.#world.drains[bucket];
    if (held === 0 || truth === undefined || this.#now - holder.contactAt > LEASE_MS) return;
    holder.held[bucket] = held - 1;
    const serverNow = this.#now + Math.min(MAX_WAY_MS, Math.floor(latencyMs / 2)) + this.#world.skewMs;
    const window = Math.floor((serverNow - truth.phaseMs) / truth.windowMs);
    const key = `${this.#name(truth)}/${truth.limit}/${window}`;
    const used = (this.#used.get(key) ?? 0) + 1;
    this.#used.set(key, used);
    const refused = used + truth.others > truth.limit;
    if (refused) this.refusals += 1;
    const resetAt = Math.ceil(((window + 1) * truth.windowMs + truth.phaseMs) / 1000);
    const at = this.#now + latencyMs;
    const date = new Date(serverNow).toUTCString();
    const report = answered
      ? {
          bucket,
          reading: {
            limit: truth.limit,
            remaining: Math.max(0, truth.limit - used - truth.others),
            resetAt,
          },
          resetInMs: msUntilReset(resetAt, date, at),
          status: refused ? 429 : 200,
          at,
        }
      : { bucket, reading: null, resetInMs: null, status: null, at };
    holder.answers.push({ at, report });
  }

  #name(truth: TrueBucket): string {
    return String(Object.values(this.#world.drains).indexOf(truth));
  }
}
