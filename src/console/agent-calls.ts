/** Calls of tools by agents as rows of tables. Pure. */
import type { CallHistory, CountedCalls } from "../contract/calls.ts";

/** Calls by how they ended. */
export interface CallSums {
  readonly ok: number;
  readonly refused: number;
  readonly failed: number;
}

/** Calls of one tool with one key. */
export interface CallRow extends CallSums {
  readonly tool: string;
  readonly key: string;
}

/** Calls of one day (UTC) with all keys. */
export interface CallDay extends CallSums {
  readonly day: string;
  readonly keys: readonly string[];
}

export const callsIn = ({ ok, refused, failed }: CallSums): number => ok + refused + failed;

/** What is neither refused nor failed counts as answered. */
const sumsOf = (counts: readonly CountedCalls[]): CallSums => {
  const sum = (of: (outcome: string) => boolean): number =>
    counts.reduce((all, { outcome, calls }) => (of(outcome) ? all + calls : all), 0);
  return {
    ok: sum((outcome) => outcome !== "refused" && outcome !== "failed"),
    refused: sum((outcome) => outcome === "refused"),
    failed: sum((outcome) => outcome === "failed"),
  };
};

/** One row for each tool and key, the most called first. */
export const callRows = ({ total }: CallHistory): CallRow[] =>
  [...Map.groupBy(total, ({ tool, key }) => JSON.stringify([tool, key])).values()]
    .flatMap((counts) => {
      const [first] = counts;
      return first === undefined ? [] : [{ tool: first.tool, key: first.key, ...sumsOf(counts) }];
    })
    .sort((a, b) => callsIn(b) - callsIn(a));

/** Today is one of them. Older days may still be stored when no agent has called since. */
const DAYS_SHOWN = 30;
const DAY_MS = 86_400_000;

/** One row for each of the last 30 days on which a tool was called, the newest first. @param now ms since the epoch */
export const callDays = ({ days }: CallHistory, now: number): CallDay[] => {
  const before = new Date(now - DAYS_SHOWN * DAY_MS).toISOString().slice(0, 10);
  const shown = days.filter(({ day }) => day > before);
  return [...Map.groupBy(shown, ({ day }) => day)]
    .map(([day, counts]) => ({
      day,
      keys: [...new Set(counts.map(({ key }) => key))].sort(),
      ...sumsOf(counts),
    }))
    .sort((a, b) => b.day.localeCompare(a.day));
};
