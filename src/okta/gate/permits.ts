/** A caller's side of the gate: permits are fetched in batches, and what came of them is reported with the next batch. */
import { type Bucket, bucketOf, type Endpoint } from "../endpoints.ts";
import type { WaitReason } from "../wait-reason.ts";
import { type CallCount, countCall } from "./call-stats.ts";
import type { CallObservation, Observation } from "./ledger.ts";
import type { Priority } from "./ledger-state.ts";
import type { BucketCount, ExchangeAnswer, ExchangeRequest } from "./okta-gate.ts";

/** What a holder needs of the OktaGate; the stub of the Durable Object fits. */
export interface Gate {
  exchange(request: ExchangeRequest): Promise<ExchangeAnswer>;
}

export type Permit =
  | { readonly granted: true }
  | {
      readonly granted: false;
      /** When to ask again, ms since the epoch. */
      readonly retryAt: number;
      /** Why there is none; null if the gate did not say. */
      readonly reason: WaitReason | null;
    };

export interface PermitsOptions {
  readonly gate: Gate;
  readonly connection: string;
  readonly holder: string;
  readonly priority: Priority;
  /** Permits asked for at a time: the more, the fewer round trips to the gate. */
  readonly batch: number;
  /** How long a call may wait in line at the gate for one permit, ms. Delta runs never do. */
  readonly waitMs: number;
  /** After this nobody waits in line, ms since the epoch; without it only `waitMs` says how long. */
  readonly waitUntil?: number;
  /** The calls that will follow the first one: their permits are asked for together with its own. Interactive callers only. */
  readonly ahead?: readonly Endpoint[];
  /** How long a call may take, from its permit to its end, ms. */
  readonly callMs: number;
  readonly now: () => number;
}

/**
 * Permits are not used later than this after the gate has heard of us, ms: a run uses a batch within a slice, a look-up
 * its one permit at once. When the last call for them has ended, the gate may take a holder that is silent as gone.
 */
const leaseOf = (priority: Priority): number => (priority === "interactive" ? 5_000 : 20_000);

const refusal = ({ retryAt, reason = null }: ExchangeAnswer, now: number): Permit => ({
  granted: false,
  retryAt: retryAt ?? now,
  reason,
});

/**
 * A holder's purse: permits come from the gate in batches, and observations go back with the next round trip, so
 * that the gate costs far less than one RPC per call.
 */
export class Permits {
  readonly #options: PermitsOptions;
  #incarnation = crypto.randomUUID();
  readonly #held = new Map<Bucket, number>();
  /** When the gate had surely heard of us last; it may have been later. */
  #heldSince = 0;
  /** The calls under way are of an incarnation that the gate will take as gone. */
  #outlived = false;
  #observations: Observation[] = [];
  #calls = new Map<string, CallCount>();
  #inFlight = 0;
  /** Under way, by the bucket that is wanted; null for one that only reports at the end. */
  readonly #exchanges = new Map<Bucket | null, Promise<ExchangeAnswer>>();
  /** Reports under way beside an exchange that may have to wait in line. */
  #flushing: Promise<unknown> = Promise.resolve();
  /** Calls that are still to come, as far as `ahead` has told. */
  readonly #ahead = new Map<Bucket, number>();
  #hasAsked = false;
  /** It has stood in line, so that others may stand there as well. */
  #hasWaited = false;
  #wake: (() => void)[] = [];

  constructor(options: PermitsOptions) {
    this.#options = options;
    for (const endpoint of options.ahead ?? []) {
      const bucket = bucketOf(endpoint);
      this.#ahead.set(bucket, (this.#ahead.get(bucket) ?? 0) + 1);
    }
  }

  /** One permit for one call of `endpoint`, or when to ask again. `report` must follow each granted one. */
  async take(endpoint: Endpoint): Promise<Permit> {
    const bucket = bucketOf(endpoint);
    for (;;) {
      if (this.#options.now() - this.#heldSince > leaseOf(this.#options.priority)) this.#giveBack();
      const held = this.#held.get(bucket) ?? 0;
      if (held > 0) {
        this.#held.set(bucket, held - 1);
        this.#ahead.set(bucket, Math.max(0, (this.#ahead.get(bucket) ?? 0) - 1));
        this.#inFlight += 1;
        return { granted: true };
      }
      const underWay = this.#underWay(bucket);
      if (underWay !== undefined) {
        const answer = await underWay;
        // It asked for all calls that were to come, so there is none for this one either.
        if (this.#isInteractive && answer.granted === 0) return refusal(answer, this.#options.now());
        continue;
      }
      if (this.#outlived) {
        // What is still on its way must have landed before the gate hears of the new incarnation.
        await this.#quiet();
        this.#outlived = false;
        continue;
      }
      const count = Math.max(this.#options.batch, this.#ahead.get(bucket) ?? 0);
      const answer = await this.#ask({ bucket, count });
      if (answer.granted > 0) continue;
      if (this.#inFlight > 0 && !this.#isInteractive) {
        // Own calls are under way: their answers may free permits, or tell how large the bucket is.
        await new Promise<void>((resolve) => this.#wake.push(resolve));
        continue;
      }
      return refusal(answer, this.#options.now());
    }
  }

  get #isInteractive(): boolean {
    return this.#options.priority === "interactive";
  }

  /**
   * The exchange to wait for before another one. Runs have one at a time. Somebody waits for an interactive call, so that
   * it must not stand behind one for another bucket.
   */
  #underWay(bucket: Bucket): Promise<ExchangeAnswer> | undefined {
    return this.#isInteractive ? this.#exchanges.get(bucket) : [...this.#exchanges.values()][0];
  }

  /** Reports what came of a call that had a permit. @param outcome `ok`, or the code of the error */
  report(endpoint: Endpoint, outcome: string, observation: CallObservation, latencyMs: number): void {
    this.#inFlight -= 1;
    this.#observations.push({ bucket: bucketOf(endpoint), ...observation });
    const key = `${endpoint} ${outcome}`;
    this.#calls.set(key, countCall(this.#calls.get(key), { endpoint, outcome, latencyMs }));
    for (const wake of this.#wake.splice(0)) wake();
    // An exchange of ours may be waiting in line for what this answer tells, or those of others for the permit.
    const isAwaited = this.#exchanges.size > 0 || (this.#hasWaited && this.#inFlight > 0);
    if (this.#isInteractive && isAwaited && !this.#outlived) {
      this.#flushing = Promise.all([this.#flushing, this.#send(null, { waitMs: 0, done: false })]);
    }
  }

  /** Waits until no call is under way, then reports the last observations and gives back unused permits. */
  async done(): Promise<void> {
    await this.#quiet();
    await this.#flushing;
    this.#held.clear();
    await this.#ask(null, true);
  }

  /** Waits until no call is under way. */
  async #quiet(): Promise<void> {
    while (this.#inFlight > 0) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  /** Permits that have become too old to be used go back to the gate, as those of calls that did not go out. */
  #giveBack(): void {
    const unsent = { reading: null, resetInMs: null, status: 0, at: this.#options.now() };
    for (const [bucket, held] of this.#held) {
      for (let permit = 0; permit < held; permit++) this.#observations.push({ bucket, ...unsent });
    }
    this.#held.clear();
  }

  async #ask(want: ExchangeRequest["want"], done = false): Promise<ExchangeAnswer> {
    const { priority, waitMs, waitUntil, now } = this.#options;
    // A gate of the version before forgets whoever is in its line and neither interactive nor background work.
    const mayWait = want !== null && priority !== "follow";
    const wait = waitUntil === undefined ? waitMs : Math.max(0, Math.min(waitMs, waitUntil - now()));
    const ahead = want === null || this.#hasAsked ? [] : this.#aheadBeside(want.bucket);
    this.#hasAsked = true;
    const exchange = this.#send(want, {
      waitMs: mayWait ? wait : 0,
      done,
      ...(ahead.length > 0 && { ahead }),
    });
    const key = want?.bucket ?? null;
    this.#exchanges.set(key, exchange);
    const answer = await exchange;
    this.#exchanges.delete(key);
    return answer;
  }

  /** The calls that are to come in other buckets. */
  #aheadBeside(bucket: Bucket): BucketCount[] {
    return [...this.#ahead]
      .map(([other, count]) => ({ bucket: other, count }))
      .filter(({ bucket: other, count }) => other !== bucket && count > 0);
  }

  async #send(
    want: ExchangeRequest["want"],
    how: Pick<ExchangeRequest, "waitMs" | "done" | "ahead">,
  ): Promise<ExchangeAnswer> {
    const { gate, connection, holder, priority, callMs, now } = this.#options;
    const observations = this.#observations;
    const calls: CallCount[] = [...this.#calls.values()];
    const incarnation = this.#incarnation;
    this.#observations = [];
    this.#calls = new Map();
    const request = {
      connection,
      holder,
      incarnation,
      priority,
      observations,
      calls,
      want,
      goneAfterMs: leaseOf(priority) + callMs,
      ...how,
    };
    const sentAt = now();
    const answer = await gate.exchange(request).catch(() => {
      // The gate was restarted under us, before it booked the exchange or after: it is reported again. As a new
      // incarnation, so that a gate that books it twice takes all our permits as used, and never too few.
      this.#observations.unshift(...observations.map((seen) => ({ ...seen, repeated: true })));
      this.#incarnation = crypto.randomUUID();
      this.#outlived = true;
      this.#held.clear();
      return { granted: 0, retryAt: now() + 1000 };
    });
    return this.#accept(request, answer, sentAt);
  }

  /** Takes what was granted into the purse. @param sentAt when it was asked for, ms since the epoch */
  #accept(
    { want, incarnation }: Pick<ExchangeRequest, "want" | "incarnation">,
    answer: ExchangeAnswer,
    sentAt: number,
  ): ExchangeAnswer {
    // Another exchange has failed meanwhile: the gate takes what was granted to the former incarnation as used.
    if (incarnation !== this.#incarnation) return { ...answer, granted: 0 };
    if ((answer.waitedMs ?? 0) > 0) this.#hasWaited = true;
    // Gates of the version before do not say how long we stood in line, and take nobody as gone for half a minute more.
    this.#heldSince = answer.waitedMs === undefined ? this.#options.now() : sentAt + answer.waitedMs;
    const granted = want === null ? [] : [{ bucket: want.bucket, count: answer.granted }];
    for (const { bucket, count } of [...granted, ...(answer.ahead ?? [])]) {
      this.#held.set(bucket, (this.#held.get(bucket) ?? 0) + count);
    }
    return answer;
  }
}
