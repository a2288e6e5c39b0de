/** What clients asked for, counted by endpoint template. */
export class Stats {
  #calls: Map<string, number> = new Map();
  #byStatus: Map<string, number> = new Map();
  #pages: Map<string, number> = new Map();
  #injected = 0;
  tokenRequests = 0;

  /** @param page The request line of a list page that was served, to find pages served twice */
  count(endpoint: string, status: number, page: string | null): void {
    this.#calls.set(endpoint, (this.#calls.get(endpoint) ?? 0) + 1);
    const key = String(status);
    this.#byStatus.set(key, (this.#byStatus.get(key) ?? 0) + 1);
    if (page !== null && status === 200) this.#pages.set(page, (this.#pages.get(page) ?? 0) + 1);
  }

  countInjected(): void {
    this.#injected++;
  }

  report(): {
    total: number;
    calls: Record<string, number>;
    byStatus: Record<string, number>;
    injectedFaults: number;
    tokenRequests: number;
    repeats: number;
    repeated: { request: string; times: number }[];
  } {
    const repeated = [...this.#pages].flatMap(([request, times]) => (times > 1 ? [{ request, times }] : []));
    return {
      total: [...this.#calls.values()].reduce((sum, n) => sum + n, 0),
      calls: Object.fromEntries(this.#calls),
      byStatus: Object.fromEntries(this.#byStatus),
      injectedFaults: this.#injected,
      tokenRequests: this.tokenRequests,
      repeats: repeated.length,
      repeated,
    };
  }

  reset(): void {
    this.#calls = new Map();
    this.#byStatus = new Map();
    this.#pages = new Map();
    this.#injected = 0;
    this.tokenRequests = 0;
  }
}
