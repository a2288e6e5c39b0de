/** What needs a person, before it is dated. */
import type { Attention } from "../contract/status.ts";

/** `since`, ms since the epoch, is set where the facts themselves say it. */
export type Need = Omit<Attention, "since"> & { readonly since?: number };

/** A number with what it counts. */
export const counted = (n: number, what: string): string =>
  `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
