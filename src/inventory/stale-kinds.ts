/** What can be read again, and why. */

/**
 * What to read again: an asset of the stream, one of a user's facts, something about a group, or who has roles. The last
 * four stand for more than one: everybody's records, the roles of whoever has a custom one, the factors of whoever has
 * some of these types, and the factors of the people of a device.
 */
export type StaleKind =
  | "asset"
  | "user_groups"
  | "factors"
  | "roles"
  | "group"
  | "members"
  | "group_roles"
  | "assignees"
  | "everybody"
  | "custom_roles"
  | "factor_holders"
  | "device_people";

/** What revealed a change: the System Log, a search by time, or reading the oldest facts again. */
export type StaleCause = "log" | "search" | "rolling";

/** One entry of the queue. */
export interface StaleEntry {
  readonly kind: StaleKind;
  readonly id: string;
  readonly cause: StaleCause;
}

/** The time stamps of a record and of the event that reports the same change may differ by this much. */
export const SAME_CHANGE_MS = 2_000;
