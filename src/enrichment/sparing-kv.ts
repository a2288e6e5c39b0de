/** KV as one object uses it: once a daily quota is used up, it does not try to write until the quota begins anew. */
import { type SpentQuota, spentQuota } from "../lib/quota.ts";
import type { Kv } from "./cache.ts";

/** What KV has refused because of a quota. One for each object, for as long as it is in memory. */
export class KvQuotas {
  readonly #now: () => number;
  readonly #tell: (quota: SpentQuota) => void;
  readonly #told = new Map<string, number>();
  #writesAgainAt = 0;

  /**
   * @param now ms since the epoch
   * @param tell is told once of each quota that is used up
   */
  constructor(now: () => number, tell: (quota: SpentQuota) => void) {
    this.#now = now;
    this.#tell = tell;
  }

  /** The same namespace. Reads are tried all the same: they have a quota of their own, and a missed hit costs more. */
  sparing(kv: Kv): Kv {
    return {
      get: (key) => this.#noting(() => kv.get(key), false),
      put: async (key, value, options) => {
        if (this.#now() >= this.#writesAgainAt) await this.#noting(() => kv.put(key, value, options), true);
      },
    };
  }

  async #noting<T>(work: () => Promise<T>, isWrite: boolean): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const quota = spentQuota(error, this.#now());
      if (quota !== null) this.#note(quota, isWrite);
      throw error;
    }
  }

  #note(quota: SpentQuota, isWrite: boolean): void {
    if (isWrite) this.#writesAgainAt = quota.until;
    if (this.#told.get(quota.what) === quota.until) return;
    this.#told.set(quota.what, quota.until);
    this.#tell(quota);
  }
}
