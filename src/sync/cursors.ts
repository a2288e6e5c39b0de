/**
 * Where each kind of phase stands. Every phase starts with an empty cursor, so that all fields are optional; cursors
 * are stored with the run as they are.
 */
import type { UnknownReason } from "../inventory/facts.ts";

/** A list that is read page by page. */
export interface ListCursor {
  /** The next page's URL as Okta gave it. */
  readonly next?: string | null;
  /** Pages stored so far. */
  readonly page?: number;
  /** How often the list was begun again because its cursor had expired. */
  readonly restarts?: number;
}

/** The members of one group after the other. */
export interface MembershipsCursor extends ListCursor {
  /** The group whose members are being listed, or the last one done. */
  readonly group?: string;
  /** The first failure that leaves memberships unknown org-wide. */
  readonly refusal?: Exclude<UnknownReason, "pending">;
}

/** Single assets, and a second try for those that failed. */
export interface PassCursor {
  readonly part?: "first" | "second";
  /** Assets that were tried before this have their turn, ms since the epoch. */
  readonly since?: number;
}

export interface FactorsCursor extends PassCursor {
  /** Refusals so far, to tell "forbidden for all" from "forbidden for one". */
  readonly refusals?: number;
  /** Whether any reading of this phase has succeeded. */
  readonly succeeded?: boolean;
  /** How many more users the phase may read whose factors are not due. */
  readonly left?: number;
}

export interface RollingCursor {
  /** How many more users the phase may read. */
  readonly left?: number;
}

export interface LogCursor {
  /** Pages read so far. */
  readonly page?: number;
}

/** One search after the other. */
export interface SearchesCursor extends ListCursor {
  /** The search's name. */
  readonly part?: string;
  /** Since when they are being made, ms by Okta's clock. */
  readonly since?: number;
}

/** A list that is read again: a group's members, or the people with roles. */
export interface RefetchCursor extends ListCursor {
  /** The group, or `assignees`. */
  readonly group?: string;
  /** Since when the list is being read, ms by Okta's clock. */
  readonly since?: number;
}

export interface DeletionsCursor {
  readonly part?: "confirming";
}

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
