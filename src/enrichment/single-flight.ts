/** One piece of work at a time for one key; whoever asks meanwhile gets the same outcome. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  /** How many keys are under way. */
  get size(): number {
    return this.#flights.size;
  }

  /** Joins the flight for `key`, or starts one. */
  run(key: string, work: () => Promise<T>): Promise<T> {
    const under = this.#flights.get(key);
    if (under !== undefined) return under;
    const flight = work().finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }
}
