/** Where one org's state is kept between starts, and who is using it. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Folder {
  /** For wrangler's --persist-to. */
  readonly state: string;
  readonly log: string;
  readonly isNew: boolean;
  /** Notes a process that uses the folder too, in case it outlives this one. */
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

/** A process that uses the folder now; null when none does. */
const holder = (lock: string): number | null => {
  if (!existsSync(lock)) return null;
  const pids = readFileSync(lock, "utf8").split("\n").map(Number);
  return pids.find((pid) => Number.isInteger(pid) && pid > 0 && pid !== process.pid && isAlive(pid)) ?? null;
};

/**
 * Takes the folder of this name below .wrangler/start for this process: two that write to one would harm it.
 * @returns the folder, or the id of a process that has it
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
    isNew,
    sharedWith: (other) => appendFileSync(lock, `${other}\n`),
    release: () => rmSync(lock, { force: true }),
  };
};
