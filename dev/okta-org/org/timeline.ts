/** Earlier values by key, each with the instant until which it was valid. Without a lag nothing is kept. */
export class Timeline<V> {
  readonly #past: Map<string, { until: number; value: V }[]> = new Map();

  /** Keeps the value that a change at `at` is about to replace. Without `at` it is forgotten. */
  keep(key: string, value: V, at: number | undefined): void {
    if (at === undefined) return;
    const past = this.#past.get(key) ?? [];
    past.push({ until: at, value });
    this.#past.set(key, past);
  }

  /** The value at `cutoff`: the first one that was valid beyond it, or else the current one. */
  asOf(key: string, cutoff: number, current: V): V {
    const version = this.#past.get(key)?.find(({ until }) => until > cutoff);
    return version === undefined ? current : version.value;
  }
}
