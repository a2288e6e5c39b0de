/** The folder in which an org's state is kept between starts, and the processes that use it. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Folder {
  /** Passed to wrangler as --persist-to. */
  readonly state: string;
  readonly log: string;
  /** What has been done to a simulated org. */
  readonly orgJournal: string;
  readonly isNew: boolean;
  /** Records another process that uses the folder, in case it outlives this one. */
  sharedWith(pid: number): void;
  release(): void;
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** The id of a process that is using the folder; null when there is none. */
const holder = (lock: string): number | null => {
  if (!existsSync(lock)) return null;
  const pids = readFileSync(lock, "utf8").split("\n").map(Number);
  return pids.find((pid) => Number.isInteger(pid) && pid > 0 && pid !== process.pid && isAlive(pid)) ?? null;
};

/**
 * Takes the folder with this name in .wrangler/start for this process, because two processes that write to it would
 * damage it.
 * @returns the folder, or the id of the process that is using it
 */
export const takeFolder = (
  root: string,
  name: string,
  fresh: boolean,
): Folder | { readonly heldBy: number } => {
  const folder = join(root, ".wrangler", "start", name);
  const lock = join(folder, "pids");
  const pid = holder(lock);
  if (pid !== null) return { heldBy: pid };
  if (fresh) rmSync(folder, { recursive: true, force: true });
  const state = join(folder, "state");
  const isNew = !existsSync(state);
  mkdirSync(state, { recursive: true });
  writeFileSync(lock, `${process.pid}\n`);
  return {
    state,
    log: join(folder, "wrangler.log"),
    orgJournal: join(folder, "org.jsonl"),
    isNew,
    sharedWith: (other) => appendFileSync(lock, `${other}\n`),
    release: () => rmSync(lock, { force: true }),
  };
};
