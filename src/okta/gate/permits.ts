import { type Bucket, bucketOf, type Endpoint } from "../endpoints.ts";
import { type CallCount, countCall } from "./call-stats.ts";
import type { Observation, Priority } from "./ledger.ts";
import type { ExchangeAnswer, ExchangeRequest } from "./okta-gate.ts";

/** What a holder needs of the OktaGate; the Durable Object's stub has it. */
export interface Gate {
  exchange(request: ExchangeRequest): Promise<ExchangeAnswer>;
}

export type Permit = { readonly granted: true } | { readonly granted: false; readonly retryAt: number };

export interface PermitsOptions {
  readonly gate: Gate;
  readonly connection: string;
  readonly holder: string;
  readonly priority: Priority;
  /** Permits asked for at a time: the more, the fewer round trips with the gate. */
  readonly batch: number;
  /** How long one permit may be waited for in line at the gate, ms. */
  readonly waitMs: number;
  readonly now: () => number;
}

/** The gate takes a holder that is silent for longer as gone, with all its permits: none is used after this. */
const LEASE_MS = 60_000;

/**
 * A holder's purse: permits fetched from the gate in batches, and observations brought back with the next
 * round trip. A batch costs one RPC, so that the gate costs far less than one RPC a call.
 */
export class Permits {
  readonly #options: PermitsOptions;
  readonly #incarnation = crypto.randomUUID();
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
      if (this.#inFlight > 0 && this.#options.priority === "background") {
        // Own calls are under way: their answers may free permits, or tell how large the bucket is.
        await new Promise<void>((resolve) => this.#wake.push(resolve));
        continue;
      }
      return { granted: false, retryAt: answer.retryAt ?? this.#options.now() };
    }
  }

  /** What came of a call that had a permit. */
  report(
    endpoint: Endpoint,
    outcome: string,
    observation: Omit<Observation, "bucket">,
    latencyMs: number,
  ): void {
    this.#inFlight -= 1;
    this.#observations.push({ bucket: bucketOf(endpoint), ...observation });
    const key = `${endpoint} ${outcome}`;
    this.#calls.set(key, countCall(this.#calls.get(key), { endpoint, outcome, latencyMs }));
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Once no call is under way any more: brings the last observations home and gives back what was not used. */
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
    this.#exchange = gate.exchange({ ...request, waitMs: want === null ? 0 : waitMs }).catch(() => {
      // The gate was restarted under us. What it did not book is brought again; counted twice errs on the safe side.
      this.#observations.unshift(...observations);
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
