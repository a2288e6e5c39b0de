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

/** Okta's clock and ours differ by less than this, ms, however wrong one of them is. */
const MOST_AHEAD_MS = 365 * 86_400_000;

/** A time out of a record, ms; NaN if it is still to come, for then it says nothing of what came first. @param now ms */
export const believable = (text: string | null | undefined, now: number): number => {
  const time = timeOf(text);
  return time > now + MOST_AHEAD_MS ? Number.NaN : time;
};

/**
 * Decides whether a record from a list takes the place of the stored one, which differs from it.
 * @param listedAt when the list was asked for, ms since the epoch by our clock
 */
export const precedenceOf = (stored: StoredRecord, listed: RecordTimes, listedAt: number): Precedence => {
  const asOf = listedAt - INDEX_LAG_MS;
  if (stored.deletedAt !== null) return stored.deletedAt >= asOf ? "doubt" : "file";
  const before: RecordTimes = JSON.parse(stored.record); // `Assets` wrote it
  const [was, is] = [believable(before.lastUpdated, listedAt), believable(listed.lastUpdated, listedAt)];
  if (is < was) return "keep";
  // Not every change moves `lastUpdated`.
  const mayBeBehind = !(is > was) && stored.readAt !== null && stored.readAt >= asOf;
  return mayBeBehind ? "doubt" : "file";
};

/** Two times of a sign-in that differ by less are the same: records have whole seconds, log events milliseconds. */
const SAME_SIGN_IN_MS = 2_000;

/** A time as records have it, in whole seconds. @param at ISO 8601 */
export const wholeSeconds = (at: string): string =>
  new Date(Math.floor(Date.parse(at) / 1_000) * 1_000).toISOString();

/** Whether a sign-in is another and later one than the last that is known. @param before null if none is */
export const isLaterSignIn = (at: string, before: string | null): boolean =>
  before === null || timeOf(at) - timeOf(before) >= SAME_SIGN_IN_MS;

/**
 * The record with the sign-in that is known, unless it shows another and later one: the log may have told of one that the
 * record does not show yet, and the same sign-in read in two ways is one state.
 * @param now what is said to be later than this never happened, ms since the epoch
 */
export const withLatestLogin = <T extends RecordTimes>(record: T, stored: string, now: number): T => {
  if (!("lastLogin" in record)) return record;
  const before: RecordTimes = JSON.parse(stored); // `Assets` wrote it
  const [was, is] = [believable(before.lastLogin, now), believable(record.lastLogin, now)];
  const isKnown = !Number.isNaN(was) && (Number.isNaN(is) || is - was < SAME_SIGN_IN_MS);
  return isKnown ? { ...record, lastLogin: before.lastLogin } : record;
};
