/**
 * Which of two readings counts. What was learned later is never undone by what was read earlier: an asset's own record
 * is read as it is, but Okta's lists and searches come from an index that is a little behind. Pure.
 */

/**
 * How far Okta's index may be behind, ms. Okta documents no bound; seconds are usual, and what is asked again by the
 * searches overlaps by as much.
 */
export const INDEX_LAG_MS = 2 * 60_000;

/** What decides between a stored record and the one that a list shows. Times are ms since the epoch by our clock. */
export interface StoredRecord {
  readonly record: string;
  /** When the asset was deleted; null while it exists. */
  readonly deletedAt: number | null;
  /** When the record was last read by the asset's id; null if it never was. */
  readonly readAt: number | null;
}

/**
 * - `file` the listed record is as new as the stored one or newer
 * - `keep` the list is behind
 * - `doubt` the list may be behind, and the records do not say: read the asset by its id
 */
export type Precedence = "file" | "keep" | "doubt";

/** The times in a record that only grow, ISO 8601. Not every record has them. */
export interface RecordTimes {
  readonly lastUpdated?: string | null;
  readonly lastLogin?: string | null;
}

const timeOf = (text: string | null | undefined): number =>
  typeof text === "string" ? Date.parse(text) : Number.NaN;

/**
 * Decides whether a record from a list takes the place of the stored one, which differs from it.
 * @param listedAt when the list was asked for, ms since the epoch by our clock
 */
export const precedenceOf = (stored: StoredRecord, listed: RecordTimes, listedAt: number): Precedence => {
  const asOf = listedAt - INDEX_LAG_MS;
  if (stored.deletedAt !== null) return stored.deletedAt >= asOf ? "doubt" : "file";
  const before: RecordTimes = JSON.parse(stored.record); // `Assets` wrote it
  const [was, is] = [timeOf(before.lastUpdated), timeOf(listed.lastUpdated)];
  if (is < was) return "keep";
  // Not every change moves `lastUpdated`.
  const mayBeBehind = !(is > was) && stored.readAt !== null && stored.readAt >= asOf;
  return mayBeBehind ? "doubt" : "file";
};

/** Two times of a sign-in that differ by less are the same: records have whole seconds, log events milliseconds. */
const SAME_SIGN_IN_MS = 1_000;

/** The record with the later of both sign-ins: the log may have told of one that the record does not show yet. */
export const withLatestLogin = <T extends RecordTimes>(record: T, stored: string): T => {
  if (!("lastLogin" in record)) return record;
  const before: RecordTimes = JSON.parse(stored); // `Assets` wrote it
  const [was, is] = [timeOf(before.lastLogin), timeOf(record.lastLogin)];
  const isNewer = Number.isNaN(is) ? !Number.isNaN(was) : was - is >= SAME_SIGN_IN_MS;
  return isNewer ? { ...record, lastLogin: before.lastLogin } : record;
};
