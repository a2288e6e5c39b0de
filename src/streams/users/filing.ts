/** Filing users, and what follows from it. */
import type { Inventory } from "../../inventory/inventory.ts";
import type { OktaUser } from "../../okta/records.ts";
import type { Filing } from "../definition.ts";

/**
 * Files users and stores what follows from their status alone. With a cause, it also queues what has to be read
 * about new users and about users who became DEPROVISIONED or stopped being so. The caller opens the transaction.
 * @returns how many were new or changed
 */
export const fileUsers = (inventory: Inventory, users: readonly OktaUser[], filing: Filing): number => {
  const { now, cause } = filing;
  const { assets, factors, stale, userGroups } = inventory;
  const { changed, doubted } = assets.file(users, filing);
  const deprovisioned: string[] = [];
  const revived: string[] = [];
  for (const { id, status, lastUpdated } of users) {
    const change = changed.get(id);
    if (lastUpdated !== null) stale.doneUntil("asset", id, Date.parse(lastUpdated));
    if (change === undefined) continue;
    const isNew = change.before === null;
    const was = change.before === null ? null : (JSON.parse(change.before) as OktaUser).status; // `file` wrote it
    const gone = status === "DEPROVISIONED" && was !== "DEPROVISIONED";
    const back = status !== "DEPROVISIONED" && was === "DEPROVISIONED";
    if (gone) deprovisioned.push(id);
    if (back) revived.push(id);
    if (cause === undefined) continue;
    const turned = gone || back;
    if (isNew) userGroups.neverKnown(id);
    if (isNew || turned) stale.add("user_groups", id, cause, now);
    if ((isNew || turned) && status !== "DEPROVISIONED") stale.add("factors", id, cause, now);
    if (turned) stale.add("roles", id, cause, now);
  }
  for (const id of doubted) stale.add("asset", id, cause ?? "search", now);
  factors.settle({ deprovisioned, revived });
  inventory.quarantine.clear(users.map(({ id }) => id));
  return changed.size;
};

/**
 * Decides whether DEPROVISIONED users belong to Everyone, which Okta does not document. The number of its members
 * shows it: it is closer either to the number of all users or to the number of those that are not DEPROVISIONED.
 * The caller opens the transaction.
 * @param listed how many users the complete list showed
 */
export const settleEveryone = ({ groups, sweeps }: Inventory, listed: number): void => {
  const count = groups.everyoneCount();
  const active = sweeps.sizeNotDeprovisioned("users");
  if (count === null || active === listed) return;
  groups.setEveryoneHoldsDeprovisioned(Math.abs(count - listed) < Math.abs(count - active));
};
