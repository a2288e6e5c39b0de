/** `wrangler dev` as a program that can be started anew, with other settings, in the same place. */
import type { Program } from "./processes.ts";

export interface Runner {
  /** Starts it anew. `ready` resolves once it answers again, or fails when it does not. */
  restart(ready: (program: Program) => Promise<void>): Promise<void>;
  /** Resolves once no restart is in progress: to true if one was. */
  restarted(): Promise<boolean>;
  /** Rejects when the program has ended by itself. */
  readonly died: Promise<never>;
  current(): Program;
  /** No restart begins any more, and the program is stopped. */
  stop(): Promise<void>;
}

/** @param start starts the program. @param onDeath what to tell when it has ended by itself */
export const createRunner = (start: () => Program, onDeath: (program: Program) => Error): Runner => {
  let program = start();
  let stopping = false;
  let restarting: Promise<void> | null = null;
  let fail: (error: Error) => void;
  const died = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // Whoever does not wait for it need not handle it.
  died.catch(() => {});
  const guard = (guarded: Program): void => {
    void guarded.ended.then(() => {
      if (program === guarded && restarting === null && !stopping) fail(onDeath(guarded));
    });
  };
  guard(program);
  return {
    died,
    current: () => program,
    restart: async (ready) => {
      while (restarting !== null) await restarting;
      if (stopping) return;
      const work = async (): Promise<void> => {
        await program.stop();
        if (stopping) return;
        program = start();
        await ready(program);
      };
      const done = work().finally(() => {
        restarting = null;
      });
      restarting = done.catch(() => {});
      await done;
      guard(program);
    },
    restarted: async () => {
      if (restarting === null) return false;
      await restarting;
      return true;
    },
    stop: async () => {
      stopping = true;
      await program.stop();
    },
  };
};
