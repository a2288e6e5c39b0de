/** How our share of a bucket is divided among the priorities. Pure. */
import type { Priority } from "./ledger-state.ts";

/**
 * How many calls a window of this limit may hold when a caller of this priority asks. What everybody has used counts
 * against it, so each priority is kept from the last part of the share, which is for those before it.
 *
 * The whole of it is `cap = ⌊limit × share⌋`, at least 1. A fifth of it, rounded up, is for interactive callers alone,
 * and of the rest a tenth of the cap, rounded up and at least 2, is for the follow lane:
 * - `interactive` has the cap
 * - `follow` has the cap less the fifth, and never less than 1
 * - `background` has what `follow` has less its part, and never less than 1
 *
 * Where the cap is too small for all parts, the lower priorities still have one call, so that nobody waits for good. A
 * cap of 1 or 2 keeps nothing for the follow lane, a cap of 3 one call, and any larger one its whole part.
 *
 * Probes (see `room.ts`) are taken out of the interactive callers' part, so they do not lessen that of the follow lane.
 * @param limit calls per window for all applications together
 * @param share the part of each limit that we may use, 0 < share ≤ 1
 * @param probes how many probes of late there have been
 */
export const allowance = (limit: number, share: number, priority: Priority, probes = 0): number => {
  const cap = capOf(limit, share);
  if (priority === "interactive") return cap;
  const withoutLookups = cap - interactivePart(cap);
  if (priority === "follow") return Math.min(cap, withoutLookups + probes);
  return Math.max(1, withoutLookups - Math.max(2, Math.ceil(cap / 10)));
};

/** How many probes there may be of late: at most 3, and half of the interactive callers' part, but one if it can be. */
export const mostProbes = (limit: number, share: number): number => {
  const part = interactivePart(capOf(limit, share));
  return Math.min(part, 3, Math.max(1, Math.floor(part / 2)));
};

const capOf = (limit: number, share: number): number => Math.max(1, Math.floor(limit * share));

const interactivePart = (cap: number): number => Math.min(cap - 1, Math.ceil(cap / 5));
