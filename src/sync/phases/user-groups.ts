/** Reading memberships user by user, if that takes fewer calls than group by group. */
import type { ChangeSource } from "../../contract/changes.ts";
import { readGroups } from "../../okta/user-facts.ts";
import type { PassCursor } from "../cursors.ts";
import {
  AGAIN,
  accountOf,
  DONE,
  forEachAsset,
  type Phase,
  type SliceContext,
  type StepOutcome,
  settleFailure,
  shownUntil,
} from "../step.ts";

const BATCH = 200;

/** Reads the groups of each user that is not DEPROVISIONED. Failures get a second try. */
export const userGroupsPhase: Phase<PassCursor> = async (context) => {
  const { inventory, run } = context;
  const { part = "first", since = run.startedAt, after = 0 } = context.cursor;
  const failedOnly = part === "second";
  const users = inventory.userGroups.next({ triedBefore: since, after, limit: BATCH, failedOnly });
  const [next] = users;
  // Those before the next one are done; nobody looks at them again.
  if (next !== undefined && next.number > after + BATCH)
    return context.commit(() => context.move({ ...context.cursor, after: next.number - 1 }), AGAIN);
  if (next !== undefined) {
    return forEachAsset(
      context,
      users.map(({ id }) => id),
      (id) => readUserGroups(context, id, () => inventory.stale.done("user_groups", id)),
    );
  }
  if (part === "first") {
    return context.commit(() => context.move({ part: "second", since: context.now() }), AGAIN);
  }
  return context.commit(() => inventory.setGroupsKnown({ at: run.startedAt, reason: null }), DONE);
};

/**
 * Reads one user's groups and stores them, or the reason why they are unknown.
 * @param stored called in the same transaction, with whether the user's event changed
 * @param source what has shown that they may have changed; absent: the phase itself
 */
export const readUserGroups = async (
  context: SliceContext,
  userId: string,
  stored: (changed: boolean) => void,
  source?: ChangeSource,
): Promise<StepOutcome> => {
  const { inventory, api } = context;
  const askedAt = context.now();
  const groups = await readGroups(api, accountOf(context, userId));
  const readAt = context.now();
  if (!groups.ok) {
    return settleFailure(context, groups.error, (reason) =>
      stored(inventory.userGroups.setRead(userId, reason, false, readAt)),
    );
  }
  return context.commit(() => {
    const everyone = inventory.groups.everyoneId();
    const ids: string[] = [];
    for (const group of groups.value) {
      if (group.id === everyone) continue;
      if (!inventory.groups.has(group.id)) {
        // A user's list may hold no more of a group than its id and profile, so the group is queued to be read by id.
        inventory.stale.add("group", group.id, "search", api.serverNow());
        // A list may still show a group that was just deleted.
        if (inventory.groups.file(group, { listedAt: askedAt }) === "doubted") continue;
      }
      ids.push(group.id);
    }
    const replace = () => inventory.memberships.replaceGroupsOf(userId, ids, shownUntil(context, askedAt));
    const changed = inventory.history.as({ ...(source && { source }) }, replace);
    stored(inventory.userGroups.setRead(userId, null, changed, readAt));
  }, AGAIN);
};
