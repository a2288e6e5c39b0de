/**
 * The cursors of the phases: where each one stands. Every phase starts with an empty cursor, so all fields are
 * optional. Cursors are stored with the run, unchanged.
 */
import type { AdminsPosition, HourPosition } from "../inventory/factors.ts";
import type { UnknownReason } from "../inventory/facts.ts";
import type { PageSize } from "./page-size.ts";

/** A list that is read page by page. */
export interface ListCursor {
  /** The next page's URL as Okta gave it. */
  readonly next?: string | null;
  /** Pages stored so far. */
  readonly page?: number;
  /** How often the list was restarted because Okta's cursor had expired. */
  readonly restarts?: number;
  /** How many pages in a row have shown nothing new. */
  readonly idle?: number;
  /** How large the pages are, once one was too large for Okta. */
  readonly size?: PageSize | undefined;
  /** Which of the list's ways to be read is taken, by its place; absent for the first. */
  readonly way?: number;
  /** Which query of that way is followed, by its place; absent for the first. */
  readonly query?: number | undefined;
  /** The key from which that query reads on; absent at its beginning. */
  readonly from?: string | undefined;
  /** The last key that it has shown. */
  readonly key?: string | undefined;
}

/** The members of one group after another. */
export interface MembershipsCursor extends ListCursor {
  /** The id of the group whose members are being listed, or of the last group that is done. */
  readonly group?: string;
  /** When listing its members began, ms since the epoch by our clock. */
  readonly since?: number;
  /** The first failure, because of which memberships are unknown for the whole org. */
  readonly refusal?: Exclude<UnknownReason, "pending">;
}

/** Assets read one by one, and then a second try for those that failed. */
export interface PassCursor {
  readonly part?: "first" | "second";
  /** Only assets that were last tried before this are read, ms since the epoch. */
  readonly since?: number;
  /** Only assets with a greater number are still to be read. */
  readonly after?: number;
}

export interface FactorsCursor extends PassCursor {
  /** Whether some of those who were refused in former runs have been tried. */
  readonly probed?: boolean;
  /** Whether one of them was answered: then all of them are read again. */
  readonly refusedToo?: boolean;
  /** The last administrator who was looked at, or that all were. */
  readonly admins?: AdminsPosition | "done";
  /** Refusals so far, to distinguish "forbidden for every user" from "forbidden for one user". */
  readonly refusals?: number;
  /** Whether any reading in this phase has succeeded. */
  readonly succeeded?: boolean;
  /** For how many more users the phase may read factors that are not due. */
  readonly left?: number;
}

/** Users whose factors are read again because of their age, or because Okta shows them again. */
export interface RollingCursor {
  /** The last administrator who was looked at for factors that Okta had refused, or that all were. */
  readonly admins?: AdminsPosition | "done";
  /** For how many more users the phase may read factors. */
  readonly left?: number;
  /** The last user whose hour has come that was looked at. */
  readonly at?: HourPosition;
}

/** The System Log. Okta's own cursor is stored apart, in `LogState`, because it outlives the run. */
export interface LogCursor {
  /** Pages read so far. */
  readonly page?: number;
  /** When the first one was asked for, ms since the epoch by our clock. */
  readonly began?: number;
  /** How many pages in a row have shown no new event. */
  readonly idle?: number;
  /** When the log had been polled last before this run, ms since the epoch by our clock. */
  readonly since?: number;
}

/** One search after another. */
export interface SearchesCursor extends ListCursor {
  /** The name of the current search. */
  readonly part?: string;
  /** When the searches began, ms by Okta's clock. */
  readonly since?: number;
  /** Whether a search was given up, so that what it would have found is to be searched for again. */
  readonly incomplete?: true;
}

/** A list that is read again: a group's members, the users with roles, or everybody. */
export interface RefetchCursor extends ListCursor {
  /** The group's id, or the name of another list. */
  readonly group?: string;
  /** The number of the last user who was looked at for factors of certain types. */
  readonly after?: number;
  /** Whether the phase has done a step. */
  readonly isOn?: true;
  /** The name of the listing. */
  readonly listing?: string;
  /** When reading the list began, ms since the epoch: by Okta's clock for members, by ours for users with roles. */
  readonly since?: number;
}

/** Absentees. */
export interface DeletionsCursor {
  /** Set once the absentees are known and are being checked by id. */
  readonly part?: "confirming";
}

/** The cursor of any phase. */
export type Cursor =
  | ListCursor
  | MembershipsCursor
  | PassCursor
  | FactorsCursor
  | RollingCursor
  | LogCursor
  | SearchesCursor
  | RefetchCursor
  | DeletionsCursor;
