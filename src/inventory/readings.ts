/** What came of reading facts. */
import type { UnknownReason } from "./facts.ts";

/** The outcome of reading a fact: its value as JSON, or the reason why it could not be read. */
export type Reading = { readonly value: string } | { readonly reason: UnknownReason };

/** The outcome of reading one user's fact. */
export interface UserReading {
  readonly userId: string;
  readonly reading: Reading;
  /** ms since the epoch */
  readonly readAt: number;
}
