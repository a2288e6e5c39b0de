/** What needs a person, before it is dated and shown. */
import type { Attention } from "../contract/status.ts";

export interface Need extends Omit<Attention, "since"> {
  /** Since when, ms since the epoch, where the facts themselves say it. */
  readonly since?: number;
  /** `detail` without what Okta or a receiver said, which may name people. Absent if it is the same. */
  readonly brief?: string;
  /** Which of several things of this kind it is about, such as the names of sinks. */
  readonly about?: readonly string[];
}

/** A need and since when it is known, ms since the epoch. */
export type DatedNeed = Need & { readonly since: number };

/** A number with what it counts. */
export const counted = (n: number, what: string): string =>
  `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;

/** "a", "a and b", "a, b and c" */
export const enumerated = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
