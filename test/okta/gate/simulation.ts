/**
 * Okta's side of the rate limits, with true windows, and holders that take permits, make calls and report them
 * late, out of order, or never. Steps in, what landed in each window out. Calls land in the order in which they reach
 * Okta, also those of holders that are dead by then, and each answer tells what Okta had counted at that instant.
 */
import type { Bucket } from "../../../src/okta/endpoints.ts";
import { msUntilReset } from "../../../src/okta/gate/headers.ts";
import { checkIn, release } from "../../../src/okta/gate/holders.ts";
import { grant, observe } from "../../../src/okta/gate/ledger.ts";
import { emptyLedger, type Ledger, type Priority } from "../../../src/okta/gate/ledger-state.ts";

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
  /** Uses some of a holder's permits; the answers come after `latencyMs`, or the calls are seen to fail then. */
  | {
      readonly do: "call";
      readonly holder: number;
      readonly bucket: number;
      readonly calls: number;
      readonly latencyMs: number;
      readonly answered: boolean;
      /** False for calls that fail on their way to Okta. */
      readonly lands?: boolean;
    }
  /** A holder reports what it knows, and does not hear that the gate has booked it. It waits for its calls under way. */
  | { readonly do: "unheard"; readonly holder: number }
  /** A holder dies with all its permits and everything that it has not reported. */
  | { readonly do: "restart"; readonly holder: number }
  /** A holder reports the answers that it has, and gives back what it did not use. */
  | { readonly do: "done"; readonly holder: number };

interface Holder {
  readonly name: string;
  readonly priority: Priority;
  life: number;
  /** When it last spoke with the gate: permits are not used for longer than its lease after it. */
  contactAt: number;
  readonly lease: Lease;
  held: Partial<Record<Bucket, number>>;
  /** Calls whose answers have come or will come. */
  calls: Call[];
  /** It does not know what the gate has booked: once its calls have ended, it reports them again in a new life. */
  unheard: boolean;
}

interface Call {
  /** When it reaches Okta; null if it never does. */
  readonly landsAt: number | null;
  /** When its caller learns what came of it. */
  readonly at: number;
  /** What its caller learns: no answer, as long as it has not landed. */
  report: Parameters<typeof observe>[2];
}

const isUnderWay = (holder: Holder, now: number): boolean => holder.calls.some(({ at }) => at > now);

/** Our calls in one true window. */
interface Used {
  readonly limit: number;
  total: number;
  readonly by: Record<Priority, number>;
}

interface Lease {
  readonly ms: number;
  /** Absent for holders of the version before. */
  readonly goneAfterMs?: number;
}

/** As permits.ts has them. */
const LEASES: Record<Priority, Lease> = {
  interactive: { ms: 5_000, goneAfterMs: 13_000 },
  follow: { ms: 20_000, goneAfterMs: 50_000 },
  background: { ms: 20_000, goneAfterMs: 50_000 },
};
const FORMER_LEASE: Lease = { ms: 60_000 };
/** A call is on its way to Okta for half of its latency, but not for longer than this. */
const MAX_WAY_MS = 4_000;
const START = 1_760_000_000_000;

export class Simulation {
  readonly ledger: Ledger = emptyLedger();
  readonly #used = new Map<string, Used>();
  readonly #world: World;
  readonly #buckets: Bucket[];
  readonly #holders: Holder[];
  /** Calls that are on their way to Okta. */
  #flying: { landsAt: number; land: () => void }[] = [];
  #now = START;
  /** Probes that were granted; see `room.ts`. */
  probes = 0;
  /** 429s that we ran into. */
  refusals = 0;
  /** The fullest of our windows, as a part of its share. */
  get fullest(): number {
    return Math.max(0, ...this.windows().map(({ limit, total }) => total / this.cap(limit)));
  }

  constructor(world: World, priorities: readonly Priority[]) {
    this.#world = world;
    this.#buckets = Object.keys(world.drains) as Bucket[]; // the keys are Buckets
    this.#holders = priorities.map((priority, index) => ({
      name: `holder/${index}`,
      priority,
      life: 0,
      contactAt: START,
      lease: index === 1 && priority === "background" ? FORMER_LEASE : LEASES[priority],
      held: {},
      calls: [],
      unheard: false,
    }));
  }

  /** By how much the worst window is over our share; 0 or less is within it. */
  overshare(): number {
    return Math.max(0, ...this.windows().map(({ limit, total }) => total - this.cap(limit)));
  }

  /** What landed in each window that saw any of our calls. */
  windows(): Used[] {
    return [...this.#used.values()];
  }

  /** Our share of a limit, calls per window. */
  cap(limit: number): number {
    return Math.max(1, Math.floor(limit * this.#world.share));
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) this.#step(step);
  }

  #step(step: Step): void {
    switch (step.do) {
      case "wait":
        this.#now += step.ms;
        this.#land();
        return;
      case "ask":
        this.ask(step.holder, step.bucket, step.want);
        return;
      case "call":
        for (let calls = 0; calls < step.calls; calls++) this.#call(step);
        return;
      case "unheard": {
        const holder = this.#holder(step.holder);
        const { calls } = holder;
        if (this.#waits(holder)) return;
        this.#report(holder);
        for (const call of calls)
          if (!holder.calls.includes(call)) call.report = { ...call.report, repeated: true };
        holder.calls = calls;
        holder.held = {};
        holder.unheard = true;
        return;
      }
      case "restart": {
        const holder = this.#holder(step.holder);
        this.#renew(holder);
        holder.calls = [];
        return;
      }
      case "done": {
        const holder = this.#holder(step.holder);
        if (this.#waits(holder) || isUnderWay(holder, this.#now)) return;
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

  /** Holders of the version before keep it to themselves that they no longer use what they hold. */
  #giveBack(holder: Holder): void {
    const unsent = { reading: null, resetInMs: null, status: 0, at: this.#now };
    for (const bucket of holder.lease.goneAfterMs === undefined ? [] : this.#buckets) {
      const calls = Array.from({ length: holder.held[bucket] ?? 0 }, () => ({
        landsAt: null,
        at: this.#now,
        report: { bucket, ...unsent },
      }));
      holder.calls.push(...calls);
    }
    holder.held = {};
  }

  #renew(holder: Holder): void {
    holder.life += 1;
    holder.held = {};
    holder.unheard = false;
  }

  /** Whether the holder must not speak with the gate yet. */
  #waits(holder: Holder): boolean {
    if (!holder.unheard) return false;
    if (isUnderWay(holder, this.#now)) return true;
    this.#renew(holder);
    return false;
  }

  #bucket(index: number): Bucket {
    const bucket = this.#buckets[index % this.#buckets.length];
    if (bucket === undefined) throw new Error("no buckets");
    return bucket;
  }

  #report(holder: Holder): void {
    const { name, life, priority, lease } = holder;
    if (this.#now - holder.contactAt > lease.ms) this.#giveBack(holder);
    holder.contactAt = this.#now;
    checkIn(this.ledger, { name, incarnation: String(life), priority, ...lease }, this.#now);
    const come = holder.calls.filter(({ at }) => at <= this.#now);
    holder.calls = holder.calls.filter(({ at }) => at > this.#now);
    for (const { report } of come) observe(this.ledger, name, report, () => 0.5);
  }

  /** How many permits a holder gets now. */
  ask(index: number, bucketIndex: number, want: number): number {
    const holder = this.#holder(index);
    const bucket = this.#bucket(bucketIndex);
    if (this.#waits(holder)) return 0;
    this.#report(holder);
    const { granted } = grant(
      this.ledger,
      { holder: holder.name, bucket, want, priority: holder.priority },
      this.#world.share,
      this.#now,
    );
    holder.held[bucket] = (holder.held[bucket] ?? 0) + granted;
    if (granted > 0 && this.ledger.buckets[bucket]?.probes?.at(-1) === this.#now) this.probes += 1;
    return granted;
  }

  #call({
    holder: index,
    bucket: bucketIndex,
    latencyMs,
    answered,
    lands = true,
  }: Step & { do: "call" }): void {
    const holder = this.#holder(index);
    const bucket = this.#bucket(bucketIndex);
    const held = holder.held[bucket] ?? 0;
    const truth = this.#world.drains[bucket];
    if (held === 0 || truth === undefined || this.#now - holder.contactAt > holder.lease.ms) return;
    holder.held[bucket] = held - 1;
    const at = this.#now + latencyMs;
    const landsAt = lands ? this.#now + Math.min(MAX_WAY_MS, Math.floor(latencyMs / 2)) : null;
    const sentAt = this.#now;
    const call: Call = {
      landsAt,
      at,
      report: { bucket, reading: null, resetInMs: null, status: null, at, sentAt },
    };
    holder.calls.push(call);
    if (landsAt === null) return;
    const land = (): void => {
      const answer = this.#count(truth, landsAt, at, holder.priority);
      if (answered) call.report = { bucket, at, sentAt, ...answer };
    };
    this.#flying.push({ landsAt, land });
    this.#land();
  }

  /** Lets all calls land whose time has come, in the order in which they reach Okta. */
  #land(): void {
    const due = this.#flying.filter(({ landsAt }) => landsAt <= this.#now);
    this.#flying = this.#flying.filter(({ landsAt }) => landsAt > this.#now);
    for (const { land } of due.sort((a, b) => a.landsAt - b.landsAt)) land();
  }

  /** Okta counts a call, and answers it. @param at when the answer is there */
  #count(truth: TrueBucket, landsAt: number, at: number, priority: Priority) {
    const { limit, windowMs, phaseMs, others } = truth;
    const serverNow = landsAt + this.#world.skewMs;
    const window = Math.floor((serverNow - phaseMs) / windowMs);
    const key = `${this.#name(truth)}/${window}`;
    const used = this.#used.get(key) ?? {
      limit,
      total: 0,
      by: { interactive: 0, follow: 0, background: 0 },
    };
    used.total += 1;
    used.by[priority] += 1;
    this.#used.set(key, used);
    const refused = used.total + others > limit;
    if (refused) this.refusals += 1;
    const resetAt = Math.ceil(((window + 1) * windowMs + phaseMs) / 1000);
    return {
      reading: { limit, remaining: Math.max(0, limit - used.total - others), resetAt },
      resetInMs: msUntilReset(resetAt, new Date(serverNow).toUTCString(), at),
      status: refused ? 429 : 200,
    };
  }

  #name(truth: TrueBucket): string {
    return String(Object.values(this.#world.drains).indexOf(truth));
  }
}
