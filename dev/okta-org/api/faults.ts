import * as z from "zod";
import type { Random } from "../org/random.ts";

export const faultRuleSchema = z.strictObject({
  match: z
    .strictObject({
      /** A path prefix, or a regular expression over path and query when it holds any of ^$*+?()[]|\ */
      path: z.string().optional(),
      /** An endpoint template as in the statistics: `GET /api/v1/users/{id}/factors`. */
      endpoint: z.string().optional(),
      method: z.string().optional(),
      /** Applies to this many matching calls, then never again. */
      times: z.int().positive().optional(),
      /** Lets this many matching calls pass first. */
      after: z.int().min(0).optional(),
      /** Applies to every n-th matching call only. */
      every: z.int().positive().optional(),
      probability: z.number().min(0).max(1).optional(),
    })
    .default({}),
  kind: z.enum([
    "429",
    "concurrency-429",
    "500",
    "500-above-limit",
    "504",
    "504-above-limit",
    "silence-above-limit",
    "503",
    "slow",
    "reset",
    "throw",
    "truncated",
    "400",
    "403",
    "403-scope",
    "403-session",
    "403-network",
    "401",
    "404",
    "empty-list",
    "foreign-next",
    "malformed-record",
    "html",
    "huge-body",
    "redirect",
    "okta-error",
    "endless-next",
    "link-header",
    "headers",
  ]),
  /** slow, silence-above-limit: how long to wait before answering normally, or until the faults are removed. */
  ms: z.number().min(0).default(1000),
  /** 500-above-limit, 504-above-limit, silence-above-limit: the greatest page size that still works. */
  limit: z.int().positive().default(100),
  /** 429: how far in the future the reset header lies; the real window's end when absent. */
  resetInMs: z.int().optional(),
  /** huge-body: how much is sent. */
  bytes: z.int().positive().default(64_000_000),
  /** redirect and foreign-next: the other origin. */
  origin: z.string().default("https://attacker.invalid"),
  /** redirect and okta-error: the answer's status. */
  status: z.int().min(300).max(599).default(302),
  /** okta-error: Okta's error code. */
  code: z.string().default("E0000022"),
  /**
   * endless-next: what comes after a page. Always the first page again under a new link, an empty page under a new link,
   * the first page after the second one, or the page itself.
   */
  how: z.enum(["first-page", "empty", "cycle", "self"]).default("first-page"),
  /** link-header: the header's value, with {self} and {next} in the places of the links; null leaves it out. */
  header: z.string().nullable().default('<{self}>; rel="self", <{next}>; rel="next"'),
  /** headers: what takes the place of the answer's own. */
  headers: z.record(z.string(), z.string()).default({}),
  /** malformed-record: what takes the place of the first record of the page. */
  record: z.unknown().default({ id: 42, profile: "garbage" }),
});
export type FaultRule = z.output<typeof faultRuleSchema>;

/** Rules that make calls fail on purpose; the first that applies wins. */
export class Faults {
  #rules: { rule: FaultRule; seen: number; applied: number }[] = [];
  #cleared = Promise.withResolvers<void>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  add(rules: FaultRule[]): void {
    this.#rules.push(...rules.map((rule) => ({ rule, seen: 0, applied: 0 })));
  }

  clear(): void {
    this.#rules = [];
    this.#cleared.resolve();
    this.#cleared = Promise.withResolvers();
  }

  /** Settles when the rules that are there now are removed. */
  get cleared(): Promise<void> {
    return this.#cleared.promise;
  }

  list(): { rule: FaultRule; seen: number; applied: number }[] {
    return this.#rules;
  }

  /** The rule that applies to a call, if any; counts the call for every rule that it matches. */
  match(method: string, endpoint: string, url: URL): FaultRule | null {
    for (const state of this.#rules) {
      const { match } = state.rule;
      if (match.method !== undefined && match.method !== method) continue;
      if (match.endpoint !== undefined && match.endpoint !== endpoint) continue;
      if (match.path !== undefined && !pathMatches(match.path, url.pathname + url.search)) continue;
      state.seen++;
      if (state.seen <= (match.after ?? 0)) continue;
      if (state.applied >= (match.times ?? Number.POSITIVE_INFINITY)) continue;
      if ((state.seen - (match.after ?? 0)) % (match.every ?? 1) !== 0) continue;
      if (match.probability !== undefined && !this.#random.chance(match.probability)) continue;
      state.applied++;
      return state.rule;
    }
    return null;
  }
}

const pathMatches = (pattern: string, path: string): boolean =>
  /[\^$*+?()[\]|\\]/.test(pattern) ? new RegExp(pattern).test(path) : path.startsWith(pattern);
