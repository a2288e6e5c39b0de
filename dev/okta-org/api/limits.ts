import type { OrgOptions } from "../options.ts";
import { hash32 } from "../org/random.ts";
import { type Bucket, PUBLISHED_LIMITS } from "./buckets.ts";

/** What "none" sends: more than any test can use. */
const UNLIMITED = 1_000_000_000;

interface Window {
  start: number;
  used: number;
}

export interface BucketReport {
  bucket: Bucket;
  limit: number;
  /** The most calls that one window saw, refused ones and other applications' included. */
  fullest: number;
  /** Calls that were refused because the window was full. */
  violations: number;
}

export interface Take {
  ok: boolean;
  limit: number;
  remaining: number;
  /** Epoch seconds, rounded up, by the server's clock. */
  reset: number;
}

/** Fixed windows per bucket, each starting at its own phase rather than on the minute. */
export class RateLimiter {
  readonly #options: OrgOptions;
  readonly #windows: Map<Bucket, Window> = new Map();
  #reports: Map<Bucket, BucketReport> = new Map();
  #inFlight = 0;
  #peak = 0;
  #refused = 0;

  constructor(options: OrgOptions) {
    this.#options = options;
  }

  limitOf(bucket: Bucket): number {
    const { limits } = this.#options;
    if (limits === "none") return UNLIMITED;
    if (limits === "published") return PUBLISHED_LIMITS[bucket];
    return limits[bucket] ?? PUBLISHED_LIMITS[bucket];
  }

  #window(bucket: Bucket, now: number): Window {
    const { windowMs, seed, otherTraffic } = this.#options;
    const phase = hash32(`${seed}/${bucket}`) % windowMs;
    const start = Math.floor((now - phase) / windowMs) * windowMs + phase;
    const current = this.#windows.get(bucket);
    if (current?.start === start) return current;
    const fresh = { start, used: otherTraffic[bucket] ?? 0 };
    this.#windows.set(bucket, fresh);
    return fresh;
  }

  /** Counts a call in its bucket's window. */
  take(bucket: Bucket, now: number): Take {
    const window = this.#window(bucket, now);
    const limit = this.limitOf(bucket);
    window.used++;
    const ok = window.used <= limit;
    const report = this.#reports.get(bucket) ?? { bucket, limit, fullest: 0, violations: 0 };
    this.#reports.set(bucket, {
      bucket,
      limit,
      fullest: Math.max(report.fullest, window.used),
      violations: report.violations + (ok ? 0 : 1),
    });
    return { ok, limit, remaining: Math.max(0, limit - window.used), reset: this.#reset(window) };
  }

  /** What the headers of a bucket would say, without counting a call. */
  peek(bucket: Bucket, now: number): Take {
    const window = this.#window(bucket, now);
    const limit = this.limitOf(bucket);
    return { ok: true, limit, remaining: Math.max(0, limit - window.used), reset: this.#reset(window) };
  }

  #reset(window: Window): number {
    return Math.ceil((window.start + this.#options.windowMs) / 1000);
  }

  /** Enters a call; false when too many are under way. Every enter needs its leave. */
  enter(): boolean {
    this.#inFlight++;
    this.#peak = Math.max(this.#peak, this.#inFlight);
    if (this.#inFlight <= this.#options.concurrency) return true;
    this.#refused++;
    return false;
  }

  leave(): void {
    this.#inFlight--;
  }

  report(): {
    buckets: BucketReport[];
    violations: number;
    peakConcurrency: number;
    concurrencyRefused: number;
  } {
    const buckets = [...this.#reports.values()];
    const violations = buckets.reduce((sum, bucket) => sum + bucket.violations, 0);
    return { buckets, violations, peakConcurrency: this.#peak, concurrencyRefused: this.#refused };
  }

  /** Forgets the reports, not the windows. */
  resetReports(): void {
    this.#reports = new Map();
    this.#peak = this.#inFlight;
    this.#refused = 0;
  }
}
