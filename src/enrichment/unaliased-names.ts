import { setNewest } from "../lib/newest.ts";

/** KV may not show an alias sooner than this after it was written, ms. */
const KV_LAG_MS = 60_000;
const MAX_NAMES = 500;

/**
 * Names that lead to a cached account without an alias in KV, because the inventory knows whose they are. An alias is
 * worth its write once such a name is asked for again where it is not known: the next look-up then reads only KV.
 */
export class UnaliasedNames {
  /** When each was noted, ms since the epoch, the oldest first. */
  readonly #noted = new Map<string, number>();

  /** @param key an identifier's @param now ms since the epoch */
  note(key: string, now: number): void {
    if (this.#noted.has(key)) return;
    setNewest(this.#noted, key, now, MAX_NAMES);
  }

  /** Whether the name should get an alias now that it is asked for again; it is true once. @param now ms since the epoch */
  deservesAlias(key: string, now: number): boolean {
    const notedAt = this.#noted.get(key);
    return notedAt !== undefined && now - notedAt >= KV_LAG_MS && this.#noted.delete(key);
  }
}
