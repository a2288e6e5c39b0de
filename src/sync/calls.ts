/** Counting the calls that a slice makes to Okta. */
import type { Endpoint } from "../okta/endpoints.ts";
import type { Outcome } from "./permissions.ts";
import type { Run } from "./run.ts";

/** How many calls to Okta a slice may make, whichever run makes them. */
export class CallBudget {
  #left: number;

  /** @param limit how many calls the slice may make */
  constructor(limit: number) {
    this.#left = limit;
  }

  /** How many calls the slice may still make. */
  get left(): number {
    return this.#left;
  }

  /** Counts one call. */
  count(): void {
    this.#left = Math.max(0, this.#left - 1);
  }
}

/** The calls of one run that are not in its document yet. */
export class UnbookedCalls {
  #byEndpoint = new Map<Endpoint, number>();
  #outcomes: Outcome[] = [];

  /** Counts one call. */
  count(endpoint: Endpoint): void {
    this.#byEndpoint.set(endpoint, (this.#byEndpoint.get(endpoint) ?? 0) + 1);
  }

  /** Keeps what a call says of a permission. @param outcome null: it says nothing */
  note(outcome: Outcome | null): void {
    if (outcome !== null) this.#outcomes.push(outcome);
  }

  /** What the calls since the last time say of permissions. */
  takeOutcomes(): readonly Outcome[] {
    return this.#outcomes.splice(0);
  }

  /** Adds the calls since the last time to the run, which is about to be stored. */
  bookIn({ calls }: Run): void {
    for (const [endpoint, made] of this.#byEndpoint) {
      calls.made += made;
      calls.byEndpoint[endpoint] = (calls.byEndpoint[endpoint] ?? 0) + made;
    }
    this.#byEndpoint = new Map();
  }
}
