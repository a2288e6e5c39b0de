/**
 * What has been done to the simulated org by its control routes, in a file, so that the org is the same after a restart:
 * it is generated again, and everything is done to it again. Each line is one JSON document, the first one the header.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import * as z from "zod";
import { parseJson } from "../../src/lib/json.ts";
import { err, ok, type Result } from "../../src/lib/result.ts";

const headerSchema = z.object({ version: z.literal(1), epoch: z.iso.datetime() });

const entrySchema = z.object({
  /** When it was done by the org's clock, ISO 8601. */
  at: z.iso.datetime(),
  method: z.string(),
  /** The path with its query. */
  path: z.string().startsWith("/_org/"),
  body: z.string(),
});
export type JournalEntry = z.output<typeof entrySchema>;

export interface Journal {
  /** Before this instant lies everything that is generated, ISO 8601. */
  readonly epoch: string;
  /** What was done by earlier starts, the oldest first. */
  readonly entries: readonly JournalEntry[];
  append(entry: JournalEntry): void;
}

/** Routes that change nothing of the org, or only for the moment. */
const PASSING = ["/_org/stats/", "/_org/faults", "/_org/oauth-tokens/", "/_org/dpop-nonce/"];

/** Whether a request to the org changes it for good. */
export const isChange = (method: string, path: string): boolean =>
  method !== "GET" && path.startsWith("/_org/") && !PASSING.some((prefix) => path.startsWith(prefix));

/**
 * Reads a journal's text. A last line without an end was being written when the process was killed: nobody was told that
 * it is done, so it does not count.
 * @returns the error says which line cannot be read
 */
export const readJournal = (
  text: string,
): Result<{ epoch: string; entries: readonly JournalEntry[] }, string> => {
  const [first = "", ...lines] = text.split("\n").slice(0, -1);
  const header = headerSchema.safeParse(parseJson(first));
  if (!header.success) return err("line 1 is not the beginning of such a file");
  const entries: JournalEntry[] = [];
  for (const [index, line] of lines.entries()) {
    const entry = entrySchema.safeParse(parseJson(line));
    if (!entry.success) return err(`line ${index + 2} cannot be read`);
    entries.push(entry.data);
  }
  return ok({ epoch: header.data.epoch, entries });
};

/** The instant before which orgs were generated whose folders have no journal yet. */
const EPOCH_WITHOUT_JOURNAL = "2025-10-01T00:00:00.000Z";

/**
 * Opens the journal in a file, or begins it. One that cannot be read is set aside.
 * @param isNew whether nothing is stored of the org yet; then the org is generated as of `now`, ms since the epoch
 * @returns `broken` says what could not be read and where it is now
 */
export const openJournal = (
  file: string,
  isNew: boolean,
  now: number,
): Journal & { readonly broken: string | null } => {
  const append = (entry: JournalEntry): void => appendFileSync(file, `${JSON.stringify(entry)}\n`);
  let broken: string | null = null;
  if (existsSync(file)) {
    const text = readFileSync(file, "utf8");
    const journal = readJournal(text);
    if (journal.ok) {
      // Half a line would make one with the next.
      if (!text.endsWith("\n")) writeFileSync(file, text.slice(0, text.lastIndexOf("\n") + 1));
      return { ...journal.value, append, broken };
    }
    const aside = `${file}.broken-${now}`;
    renameSync(file, aside);
    broken = `${journal.error} (now ${aside})`;
  }
  const epoch = isNew || broken !== null ? new Date(now).toISOString() : EPOCH_WITHOUT_JOURNAL;
  writeFileSync(file, `${JSON.stringify({ version: 1, epoch })}\n`);
  return { epoch, entries: [], append, broken };
};
