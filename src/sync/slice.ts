/** A slice is one alarm's work: as many steps of the runs in progress as its budget of calls and time allows. */
import { type RunKind, runKindSchema } from "../contract/status.ts";
import { nextTurn } from "./lanes.ts";
import type { Run } from "./run.ts";
import { openTurn, type SliceOptions, type Turn } from "./turn.ts";

/** Far below the 15 minutes that an alarm may take, so that a cancellation or new settings take effect soon. */
const SLICE_MS = 20_000;

/**
 * Works until the slice is used up, a run ends, or all runs in progress wait. Before each step it looks for runs that
 * have been started since.
 * @param onBug handles an exception of a run's step: it has to make the run wait or end
 * @returns whether a run has ended
 */
export const runSlice = async (
  options: SliceOptions,
  onBug: (run: Run, error: unknown) => void,
): Promise<boolean> => {
  const { runs, budget, now } = options;
  const deadline = now() + SLICE_MS;
  const turns = new Map<RunKind, Turn>();
  /** The run at work, or as it is stored. */
  const inProgress = (kind: RunKind): Run | null => {
    const turn = turns.get(kind);
    return turn !== undefined && runs.isCurrent(turn.run) ? turn.run : runs.current(kind);
  };
  const turnOf = async (run: Run): Promise<Turn> => {
    const before = turns.get(run.kind);
    if (before?.run === run) return before;
    await before?.close();
    const turn = openTurn(options, run);
    turns.set(run.kind, turn);
    return turn;
  };
  try {
    while (budget.left > 0 && now() < deadline) {
      const all = runKindSchema.options.flatMap((kind) => inProgress(kind) ?? []);
      const run = all.find(({ kind }) => kind === nextTurn(all, now()));
      if (run === undefined) return false;
      try {
        const turn = await turnOf(run);
        if (await turn.step()) continue;
      } catch (error) {
        onBug(run, error);
      }
      const turn = turns.get(run.kind);
      turns.delete(run.kind);
      await turn?.close();
      if (!runs.isCurrent(run)) return true;
    }
    return false;
  } finally {
    for (const turn of turns.values()) await turn.close();
  }
};
