/** Filing users, and what follows from it. */
import type { ChangeEvent, ChangeField } from "../../contract/changes.ts";
import type { Subject } from "../../inventory/changes.ts";
import type { Inventory } from "../../inventory/inventory.ts";
import type { OktaUser } from "../../okta/records.ts";
import type { Filing, Moment } from "../definition.ts";
import { noteRecords } from "../record-changes.ts";
import { movedFields, userChange } from "./changes.ts";

const isGone = (user: OktaUser): boolean => user.status === "DEPROVISIONED";

/** What has changed about users. Who is DEPROVISIONED may leave Everyone, of which no list of members tells. */
const userChanges =
  ({ groups, users }: Inventory) =>
  (before: OktaUser | null, after: OktaUser): ChangeField[] => {
    const fields = userChange(before, after);
    if (before === null || isGone(before) === isGone(after)) return fields;
    const { everyone, everyoneHoldsDeprovisioned } = groups.ofPage([]);
    if (everyone === null || everyoneHoldsDeprovisioned) return fields;
    const moved = isGone(after) ? { added: [], removed: [everyone] } : { added: [everyone], removed: [] };
    return [...fields, ...movedFields(users.one(after.id)?.facts ?? null, moved)];
  };

/** What a user loses with the account, and may get back with it. */
const lostWith = (id: string): Subject[] => [
  { part: "groups", id },
  { part: "roles", id },
  { part: "factors", id },
];

/**
 * Files users and stores what follows from their status alone. With a cause, it also queues what has to be read
 * about new users and about users who became DEPROVISIONED or stopped being so; of those that a full run lists, only
 * what may have happened since it passed. The caller opens the transaction.
 * @returns how many were new or changed
 */
export const fileUsers = (inventory: Inventory, users: readonly OktaUser[], filing: Filing): number => {
  const { now, passedSince = Number.POSITIVE_INFINITY } = filing;
  const { assets, factors, history, stale, userGroups } = inventory;
  let told: ReadonlyMap<string, readonly ChangeEvent[]> = new Map();
  const { changed, doubted } = assets.file(users, filing, (filed) => {
    told = noteRecords(inventory, filed, userChanges(inventory), now);
  });
  const areAnyStale = stale.hasAny("asset");
  const deprovisioned: string[] = [];
  const revived: string[] = [];
  for (const { id, status, lastUpdated, created, statusChanged } of users) {
    const change = changed.get(id);
    if (areAnyStale) stale.doneUntil("asset", id, lastUpdated, now);
    if (change === undefined) continue;
    const isNew = change.before === null;
    const was = change.before === null ? null : (JSON.parse(change.before) as OktaUser).status; // `file` wrote it
    const gone = status === "DEPROVISIONED" && was !== "DEPROVISIONED";
    const back = status !== "DEPROVISIONED" && was === "DEPROVISIONED";
    if (gone) deprovisioned.push(id);
    if (back) revived.push(id);
    if (gone || back) history.implicate(lostWith(id), told.get(id) ?? []);
    // What a full run has read before its list says nothing of users who are newer than that.
    const isRecent = [created, statusChanged].some(
      (time) => time !== null && Date.parse(time) >= passedSince,
    );
    const cause = filing.cause ?? (isRecent ? "search" : undefined);
    if (cause === undefined) continue;
    const turned = gone || back;
    if (isNew) userGroups.neverKnown(id);
    if (isNew || turned) stale.add("user_groups", id, cause, now);
    if ((isNew || turned) && status !== "DEPROVISIONED") stale.add("factors", id, cause, now);
    if (turned) stale.add("roles", id, cause, now);
  }
  for (const id of doubted) stale.add("asset", id, filing.cause ?? "search", now);
  factors.settle({ deprovisioned, revived });
  inventory.quarantine.clear(users.map(({ id }) => id));
  return changed.size;
};

/**
 * Decides whether DEPROVISIONED users belong to Everyone, which Okta does not document. The number of its members
 * shows it: it is either the number of all users or the number of those that are not DEPROVISIONED, as far as neither
 * has changed since it was read. If that leaves both open, what was known stays. The caller opens the transaction.
 * @param listed how many users the complete list showed
 * @param since what happened before this is in both numbers
 */
export const settleEveryone = (
  { assets, groups, sweeps }: Inventory,
  listed: number,
  since: Moment,
): void => {
  const count = groups.everyoneCount();
  if (count === null) return;
  const active = sweeps.sizeNotDeprovisioned("users");
  const changes = assets.countChangesSince(since) + sweeps.countMissing("users");
  // If too much has changed, the nearer number is all that there is to go by, but it does not overrule what was shown.
  const nearer = Math.abs(count - listed) < Math.abs(count - active);
  const guess = active === listed || groups.isEveryoneSettled() ? null : nearer;
  const holds = everyoneHoldsDeprovisioned({ count, listed, active, changes }) ?? guess;
  if (holds !== null) groups.setEveryoneHoldsDeprovisioned(holds);
};

/**
 * Whether Everyone holds DEPROVISIONED users; null if the numbers do not show it.
 * @param numbers.count its members, @param numbers.listed all users, @param numbers.active those not DEPROVISIONED,
 *   @param numbers.changes how many users have come, gone or changed their status between these counts, at most
 */
export const everyoneHoldsDeprovisioned = (numbers: {
  readonly count: number;
  readonly listed: number;
  readonly active: number;
  readonly changes: number;
}): boolean | null => {
  const { count, listed, active, changes } = numbers;
  const mayHold = Math.abs(count - listed) <= changes;
  const mayNotHold = Math.abs(count - active) <= changes;
  return mayHold === mayNotHold ? null : mayHold;
};
