/** Edits of a file while the program runs. */
import { existsSync, readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";

/** An editor may write a file in several steps: it is read when it has rested for this long, ms. */
const REST_MS = 300;

/** The text of a file; nothing if there is none. */
export const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");

/**
 * Tells of each new content of a file. The folder is watched, because editors replace files.
 * @returns stops it
 */
export const onEdit = (file: string, tell: (text: string) => void): (() => void) => {
  let known = textOf(file);
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const text = textOf(file);
    if (text === known) return;
    known = text;
    tell(text);
  };
  const watcher = watch(dirname(file), (_, name) => {
    if (name !== null && name !== basename(file)) return;
    clearTimeout(timer);
    timer = setTimeout(look, REST_MS);
  });
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
};
