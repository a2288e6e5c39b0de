/** Remembers one-time values until they expire. A value that is used again is a replay. */
export class ReplayGuard {
  readonly #seen: Map<string, number> = new Map();

  /** True the first time a value is used. */
  use(value: string, now: number, keepMs: number): boolean {
    // Values are used in order of time, so the expired ones are at the front.
    for (const [old, until] of this.#seen) {
      if (until > now) break;
      this.#seen.delete(old);
    }
    if (this.#seen.has(value)) return false;
    this.#seen.set(value, now + keepMs);
    return true;
  }
}
