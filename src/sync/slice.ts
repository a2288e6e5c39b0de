/** A slice is one alarm's work: as many steps of the runs in progress as its budget of calls and time allows. */
import { type RunKind, runKindSchema } from "../contract/status.ts";
import { nextTurn } from "./lanes.ts";
import type { Run } from "./run.ts";
import { openTurn, type SliceOptions, type Turn } from "./turn.ts";

/** Far below the 15 minutes that an alarm may take, so that a cancellation or new settings take effect soon. */
const SLICE_MS = 20_000;
/** With this phase, a delta run has read everything that it knows to have changed. */
const LAST_OF_CHANGES = "refetch";

/**
 * Works until the slice is used up, a run ends, all runs in progress wait, or a delta run has read what had changed.
 * Before each step it looks for runs that have been started since.
 * @param onBug handles an exception of a run's step: it has to make the run wait or end
 * @returns whether the sinks are to be told now: a run has ended, or a delta run that goes on has found changes
 */
export const runSlice = async (
  options: SliceOptions,
  onBug: (run: Run, error: unknown) => void,
): Promise<boolean> => {
  const { runs, budget, now, inventory } = options;
  const deadline = now() + SLICE_MS;
  const headBefore = inventory.assets.head;
  /** What a delta run reads after this phase, or after a wait, can take long, and the changes need not wait for it. */
  const hasNews = ({ kind }: Run, phase: string | null): boolean =>
    kind === "delta" && (phase === null || phase === LAST_OF_CHANGES) && inventory.assets.head > headBefore;
  const turns = new Map<RunKind, Turn>();
  /** The run at work, or as it is stored. */
  const inProgress = (kind: RunKind): Run | null => {
    const turn = turns.get(kind);
    if (turn !== undefined && runs.isCurrent(turn.run)) return turn.run;
    return runs.has(kind) ? runs.current(kind) : null;
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
      options.followHooks();
      const all = runKindSchema.options.flatMap((kind) => inProgress(kind) ?? []);
      const run = all.find(({ kind }) => kind === nextTurn(all, now()));
      if (run === undefined) return false;
      const { phase } = run;
      try {
        const turn = await turnOf(run);
        if (await turn.step()) {
          if (run.phase !== phase && hasNews(run, phase)) return true;
          continue;
        }
      } catch (error) {
        onBug(run, error);
      }
      const turn = turns.get(run.kind);
      turns.delete(run.kind);
      await turn?.close();
      if (!runs.isCurrent(run) || hasNews(run, null)) return true;
    }
    return false;
  } finally {
    for (const turn of turns.values()) await turn.close();
  }
};
