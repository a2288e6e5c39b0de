/** A caller's side of the gate: permits are fetched in batches, and what came of them is reported with the next batch. */
import { type Bucket, bucketOf, type Endpoint } from "../endpoints.ts";
import type { WaitReason } from "../wait-reason.ts";
import { type CallCount, countCall } from "./call-stats.ts";
import type { CallObservation, Observation } from "./ledger.ts";
import type { Priority } from "./ledger-state.ts";
import type { ExchangeAnswer, ExchangeRequest } from "./okta-gate.ts";

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
  /** How long a call may take, from its permit to its end, ms. */
  readonly callMs: number;
  readonly now: () => number;
}

/**
 * Permits are not used later than this after the gate has heard of us, ms: a run uses a batch within a slice, a look-up
 * its one permit at once. When the last call for them has ended, the gate may take a holder that is silent as gone.
 */
const leaseOf = (priority: Priority): number => (priority === "interactive" ? 5_000 : 20_000);

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
  #exchange: Promise<ExchangeAnswer> | null = null;
  #wake: (() => void)[] = [];

  constructor(options: PermitsOptions) {
    this.#options = options;
  }

  /** One permit for one call of `endpoint`, or when to ask again. `report` must follow each granted one. */
  async take(endpoint: Endpoint): Promise<Permit> {
    const bucket = bucketOf(endpoint);
    for (;;) {
      if (this.#options.now() - this.#heldSince > leaseOf(this.#options.priority)) this.#giveBack();
      const held = this.#held.get(bucket) ?? 0;
      if (held > 0) {
        this.#held.set(bucket, held - 1);
        this.#inFlight += 1;
        return { granted: true };
      }
      if (this.#exchange !== null) {
        await this.#exchange;
        continue;
      }
      if (this.#outlived) {
        // What is still on its way must have landed before the gate hears of the new incarnation.
        await this.#quiet();
        this.#outlived = false;
        continue;
      }
      const answer = await this.#ask({ bucket, count: this.#options.batch });
      if (answer.granted > 0) continue;
      if (this.#inFlight > 0 && this.#options.priority !== "interactive") {
        // Own calls are under way: their answers may free permits, or tell how large the bucket is.
        await new Promise<void>((resolve) => this.#wake.push(resolve));
        continue;
      }
      const { retryAt, reason = null } = answer;
      return { granted: false, retryAt: retryAt ?? this.#options.now(), reason };
    }
  }

  /** Reports what came of a call that had a permit. @param outcome `ok`, or the code of the error */
  report(endpoint: Endpoint, outcome: string, observation: CallObservation, latencyMs: number): void {
    this.#inFlight -= 1;
    this.#observations.push({ bucket: bucketOf(endpoint), ...observation });
    const key = `${endpoint} ${outcome}`;
    this.#calls.set(key, countCall(this.#calls.get(key), { endpoint, outcome, latencyMs }));
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Waits until no call is under way, then reports the last observations and gives back unused permits. */
  async done(): Promise<void> {
    await this.#quiet();
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
    const { gate, connection, holder, priority, waitMs, callMs, now } = this.#options;
    const observations = this.#observations;
    const calls: CallCount[] = [...this.#calls.values()];
    this.#observations = [];
    this.#calls = new Map();
    const request = {
      connection,
      holder,
      incarnation: this.#incarnation,
      priority,
      observations,
      calls,
      want,
      done,
      goneAfterMs: leaseOf(priority) + callMs,
    };
    const sentAt = now();
    // A gate of the version before forgets whoever is in its line and neither interactive nor background work.
    const mayWait = want !== null && priority !== "follow";
    this.#exchange = gate.exchange({ ...request, waitMs: mayWait ? waitMs : 0 }).catch(() => {
      // The gate was restarted under us, before it booked the exchange or after: it is reported again. As a new
      // incarnation, so that a gate that books it twice takes all our permits as used, and never too few.
      this.#observations.unshift(...observations.map((seen) => ({ ...seen, repeated: true })));
      this.#incarnation = crypto.randomUUID();
      this.#outlived = true;
      this.#held.clear();
      return { granted: 0, retryAt: now() + 1000 };
    });
    const answer = await this.#exchange;
    this.#exchange = null;
    // Gates of the version before do not say how long we stood in line, and take nobody as gone for half a minute more.
    this.#heldSince = answer.waitedMs === undefined ? now() : sentAt + answer.waitedMs;
    if (want !== null && answer.granted > 0) {
      this.#held.set(want.bucket, (this.#held.get(want.bucket) ?? 0) + answer.granted);
    }
    return answer;
  }
}
