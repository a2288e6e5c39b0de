/** A caller's side of the gate: permits are fetched in batches, and what came of them is reported with the next batch. */
import { type Bucket, bucketOf, type Endpoint } from "../endpoints.ts";
import { type CallCount, countCall } from "./call-stats.ts";
import type { CallObservation, Observation } from "./ledger.ts";
import type { Priority } from "./ledger-state.ts";
import type { ExchangeAnswer, ExchangeRequest } from "./okta-gate.ts";

/** What a holder needs of the OktaGate; the stub of the Durable Object fits. */
export interface Gate {
  exchange(request: ExchangeRequest): Promise<ExchangeAnswer>;
}

export type Permit = { readonly granted: true } | { readonly granted: false; readonly retryAt: number };

export interface PermitsOptions {
  readonly gate: Gate;
  readonly connection: string;
  readonly holder: string;
  readonly priority: Priority;
  /** Permits asked for at a time: the more, the fewer round trips to the gate. */
  readonly batch: number;
  /** How long a call may wait in line at the gate for one permit, ms. Delta runs never do. */
  readonly waitMs: number;
  readonly now: () => number;
}

/**
 * Permits are not used later than this after the last exchange. The gate takes a holder that is silent for half a
 * minute more as gone, and its permits as used.
 */
const LEASE_MS = 60_000;

/**
 * A holder's purse: permits come from the gate in batches, and observations go back with the next round trip, so
 * that the gate costs far less than one RPC per call.
 */
export class Permits {
  readonly #options: PermitsOptions;
  #incarnation = crypto.randomUUID();
  readonly #held = new Map<Bucket, number>();
  #heldSince = 0;
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
      if (this.#options.now() - this.#heldSince > LEASE_MS) this.#held.clear();
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
      const answer = await this.#ask({ bucket, count: this.#options.batch });
      if (answer.granted > 0) continue;
      if (this.#inFlight > 0 && this.#options.priority !== "interactive") {
        // Own calls are under way: their answers may free permits, or tell how large the bucket is.
        await new Promise<void>((resolve) => this.#wake.push(resolve));
        continue;
      }
      return { granted: false, retryAt: answer.retryAt ?? this.#options.now() };
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
    while (this.#inFlight > 0) await new Promise<void>((resolve) => this.#wake.push(resolve));
    this.#held.clear();
    await this.#ask(null, true);
  }

  async #ask(want: ExchangeRequest["want"], done = false): Promise<ExchangeAnswer> {
    const { gate, connection, holder, priority, waitMs } = this.#options;
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
    };
    // A gate of the version before forgets whoever is in its line and neither interactive nor background work.
    const mayWait = want !== null && priority !== "follow";
    this.#exchange = gate.exchange({ ...request, waitMs: mayWait ? waitMs : 0 }).catch(() => {
      // The gate was restarted under us, before it booked the exchange or after: it is reported again. As a new
      // incarnation, so that a gate that books it twice takes all our permits as used, and never too few.
      this.#observations.unshift(...observations.map((seen) => ({ ...seen, repeated: true })));
      this.#incarnation = crypto.randomUUID();
      this.#held.clear();
      return { granted: 0, retryAt: this.#options.now() + 1000 };
    });
    const answer = await this.#exchange;
    this.#exchange = null;
    this.#heldSince = this.#options.now();
    if (want !== null && answer.granted > 0) {
      this.#held.set(want.bucket, (this.#held.get(want.bucket) ?? 0) + answer.granted);
    }
    return answer;
  }
}
