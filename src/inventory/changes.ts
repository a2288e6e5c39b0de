/** What is stored of changes, and which log events tell of one. Pure. */
import type { ChangeEvent, ChangeField, ChangeKind, ChangeSource } from "../contract/changes.ts";
import type { OktaFactor, OktaLogEvent, OktaRole } from "../okta/records.ts";
import { SAME_CHANGE_MS, type StaleKind } from "./stale-kinds.ts";

/** The most log events that one change keeps: the newest. */
const MOST_EVENTS = 10;

/** What a change before and after is made of. */
export interface BeforeAndAfter<T> {
  readonly before: T;
  readonly after: T;
}

/** A group, as a change names it. */
export interface NamedGroup {
  readonly id: string;
  readonly name: string | null;
}

/**
 * What has changed, by the part of an asset that is read by itself. `roles` are all roles of the user, direct and through
 * groups, where they are known.
 */
export interface ChangeDetails {
  /** The asset's own record. */
  readonly asset: {
    readonly fields: readonly ChangeField[];
    /** Of a deleted asset, what it was called: its tombstone does not last as long as its history. */
    readonly name?: string | null;
  };
  readonly factors: BeforeAndAfter<readonly OktaFactor[]>;
  /** The user's own roles. */
  readonly roles: BeforeAndAfter<readonly OktaRole[]> & {
    readonly roles?: BeforeAndAfter<readonly OktaRole[]>;
  };
  /** The groups of a user. */
  readonly groups: {
    readonly added: readonly NamedGroup[];
    readonly removed: readonly NamedGroup[];
    readonly roles?: BeforeAndAfter<readonly OktaRole[]>;
  };
  /** A group itself, under the group's id. */
  readonly group: {
    readonly name: string | null;
    readonly fields: readonly ChangeField[];
    /** Of a deleted group, the roles that it gave, if they were known. */
    readonly roles?: readonly OktaRole[];
  };
  /** The roles that a group gives, under the group's id. */
  readonly group_roles: BeforeAndAfter<readonly OktaRole[]> & { readonly name: string | null };
}

/** A part of an asset, or a group. */
export type ChangePart = keyof ChangeDetails;

/** A change to be stored. Times are ms since the epoch by Okta's clock. */
export type NewChange = {
  readonly [P in ChangePart]: {
    readonly id: string;
    readonly part: P;
    readonly kind: ChangeKind;
    readonly detail: ChangeDetails[P];
    /** It did not happen before this; 0 if that is not known. */
    readonly since: number;
    /** When it happened, if Okta's record tells. */
    readonly at?: number | undefined;
  };
}[ChangePart];

/** A change as it is stored. Times are ms since the epoch by Okta's clock. */
export type StoredChange = {
  readonly [P in ChangePart]: {
    readonly sequence: number;
    /** The number that it had first. */
    readonly first: number;
    readonly id: string;
    readonly part: P;
    readonly kind: ChangeKind;
    readonly source: ChangeSource;
    readonly detail: ChangeDetails[P];
    readonly since: number;
    readonly at: number;
    /** When it was found. */
    readonly readAt: number;
    readonly events: readonly ChangeEvent[];
  };
}[ChangePart];

/** The ids of the groups that users have joined or left, each once. */
export const groupsIn = (changes: readonly StoredChange[]): string[] => [
  ...new Set(
    changes.flatMap((change) =>
      change.part === "groups" ? [...change.detail.added, ...change.detail.removed].map(({ id }) => id) : [],
    ),
  ),
];

/** Whether a change is one of a group itself. */
export const isOfGroup = ({ part }: Pick<StoredChange, "part">): boolean =>
  part === "group" || part === "group_roles";

/** What a log event tells of: a part of an asset, a group, or, by a kind of entry, of more than one asset. */
export interface Subject {
  readonly part: ChangePart | StaleKind;
  readonly id: string;
}

const parts: Partial<Record<StaleKind, ChangePart>> = {
  asset: "asset",
  user_groups: "groups",
  factors: "factors",
  roles: "roles",
  group: "group",
  group_roles: "group_roles",
};

/** What an entry of the queue is about. */
export const subjectOf = (kind: StaleKind, id: string): Subject => ({ part: parts[kind] ?? kind, id });

/** A log event, as a change keeps it. */
export const changeEvent = ({ uuid, eventType, published, actor, ip }: OktaLogEvent): ChangeEvent => ({
  uuid,
  type: eventType,
  published: published === null ? null : new Date(published).toISOString(),
  actor:
    actor === null
      ? null
      : { id: actor.id, type: actor.type, login: actor.alternateId, name: actor.displayName, ip },
});

/** When an event was published, ms; 0 if it does not say. */
export const publishedAt = ({ published }: ChangeEvent): number =>
  published === null ? 0 : Date.parse(published);

/** Both lists as one: each event once, the newest first, 10 at most. */
export const joinedEvents = (a: readonly ChangeEvent[], b: readonly ChangeEvent[]): ChangeEvent[] => {
  const byId = new Map([...a, ...b].map((event) => [event.uuid, event]));
  return [...byId.values()]
    .sort((x, y) => publishedAt(y) - publishedAt(x) || (x.uuid < y.uuid ? -1 : 1))
    .slice(0, MOST_EVENTS);
};

/**
 * When a change happened, ms by Okta's clock: when the newest event that told of it was published, else when the record
 * says, else when it was found.
 * @param between what was before is known until then, and when it was found: it happened in between
 */
export const happenedAt = (
  events: readonly ChangeEvent[],
  recorded: number | undefined,
  { since, found }: { readonly since: number; readonly found: number },
): number => {
  const told = Math.max(0, ...events.map(publishedAt)) || recorded || found;
  // Okta's clock is known to the second.
  return Math.min(Math.max(told, since), Math.max(since, found + SAME_CHANGE_MS));
};

/**
 * Whether an event that is heard of only now tells of a change that was found before. About the time at which it was found,
 * the event may as well tell of the next one: if the change has events already, that is only sure once the same has been
 * read again.
 * @param published ms by Okta's clock
 * @param isReadAgain whether it was read again since, and has not changed
 */
export const tellsOf = (
  change: Pick<StoredChange, "since" | "readAt" | "events">,
  published: number,
  isReadAgain: boolean,
): boolean => {
  const { since, readAt, events } = change;
  const slack = isReadAgain || events.length === 0 ? SAME_CHANGE_MS : -SAME_CHANGE_MS;
  return published > since && published <= readAt + slack && events.length < MOST_EVENTS;
};
