/**
 * Limits failed attempts per IP address: by Cloudflare's rate limiting where it is bound, which counts for all isolates of
 * a location, and else by counts in this isolate's memory. An address that reaches several of Cloudflare's locations may
 * fail this often at each. That is enough: the length of the keys is what prevents guessing. The limit only stops a tool
 * with a wrong key from causing work and log lines without end.
 */
import { errorFields, log } from "../../lib/log.ts";

export const failureWindowMs = 60_000;
/** Generous to a tool that is set up wrongly, and far too few to guess a key of 32 characters. */
const allowedPerWindow = 100;
/** The most addresses that are remembered at once; the oldest is forgotten first. */
const maxAddresses = 10_000;

interface Window {
  readonly startedAt: number;
  failures: number;
}

/** Counts for all isolates of a location. Its window is that of `wrangler.toml`, which is the same. */
type SharedLimit = Pick<RateLimit, "limit">;

export class FailureLimiter {
  readonly #windows = new Map<string, Window>();

  /**
   * Counts one failure of an address at `now` (ms).
   * @returns 0 while the address is within its allowance, else the seconds until its window ends
   */
  failed(address: string, now: number): number {
    const known = this.#windows.get(address);
    if (known === undefined || now - known.startedAt >= failureWindowMs) {
      this.#windows.delete(address);
      this.#windows.set(address, { startedAt: now, failures: 1 });
      this.#forgetOldest();
      return 0;
    }
    known.failures += 1;
    if (known.failures <= allowedPerWindow) return 0;
    return Math.max(1, Math.ceil((known.startedAt + failureWindowMs - now) / 1000));
  }

  /**
   * The same, counted for all isolates of the location if `shared` is given. If that fails, this isolate's count decides.
   * @returns as `failed`
   */
  async failedAnywhere(shared: SharedLimit | undefined, address: string, now: number): Promise<number> {
    const here = this.failed(address, now);
    if (shared === undefined || here > 0) return here;
    try {
      const { success } = await shared.limit({ key: address });
      return success ? 0 : failureWindowMs / 1000;
    } catch (error) {
      log("warn", "rate_limit_failed", errorFields(error));
      return here;
    }
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#windows.size;
  }

  #forgetOldest(): void {
    if (this.#windows.size <= maxAddresses) return;
    const [oldest] = this.#windows.keys();
    if (oldest !== undefined) this.#windows.delete(oldest);
  }
}
