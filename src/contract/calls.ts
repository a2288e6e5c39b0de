/** Calls of tools by agents, as they are counted. */

/** So many calls of one kind. */
export interface CountedCalls {
  readonly tool: string;
  /** Which key it was, by its place in the settings; never the key. */
  readonly key: string;
  /** `ok`, `refused` (a wrong argument or setting) or `failed`. */
  readonly outcome: string;
  readonly calls: number;
}

/** The same on one day (UTC): 2026-01-31. */
export interface CallsOfDay extends CountedCalls {
  readonly day: string;
}

export interface CallHistory {
  /** Since the counting began. */
  readonly total: readonly CountedCalls[];
  /** Of the last 30 days, the newest day first; empty unless it was asked for. */
  readonly days: readonly CallsOfDay[];
}

/** So many kinds of calls are counted apart; what goes beyond is not counted. */
export const MOST_KINDS_OF_CALLS = 1_000;

const keyOf = ({ tool, key, outcome }: Omit<CountedCalls, "calls">): string =>
  JSON.stringify([tool, key, outcome]);

/** Both together. */
export const addCalls = (a: readonly CountedCalls[], b: readonly CountedCalls[]): CountedCalls[] => {
  const sums = new Map(a.map((one) => [keyOf(one), one]));
  for (const one of b) {
    const before = sums.get(keyOf(one));
    if (before !== undefined || sums.size < MOST_KINDS_OF_CALLS)
      sums.set(keyOf(one), { ...one, calls: one.calls + (before?.calls ?? 0) });
  }
  return [...sums.values()];
};
