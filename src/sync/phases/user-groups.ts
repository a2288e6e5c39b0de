/** Memberships read user by user, where that is fewer calls than group by group. */

import { err, ok, type Result } from "../../lib/result.ts";
import type { OktaError } from "../../okta/errors.ts";
import { type OktaGroup, parseAll, parseGroup } from "../../okta/records.ts";
import {
  AGAIN,
  DONE,
  forEachAsset,
  isNone,
  type Phase,
  type StepContext,
  type StepOutcome,
  SUPERSEDED,
  settleFailure,
} from "../step.ts";

const BATCH = 200;
/** 200 groups a page: nobody is in more than this many pages of them. */
const MAX_PAGES = 50;

export const userGroupsPhase: Phase = async (context) => {
  const { inventory, run } = context;
  const { part = "first", since = run.startedAt } = run.cursor;
  const ids = inventory.assets.nextUserGroups(since, BATCH, part === "second");
  if (ids.length > 0) return forEachAsset(context, ids, (id) => readUserGroups(context, id, () => {}));
  const committed = context.commit(() => {
    if (part === "first") run.cursor = { part: "second", since: context.now() };
    else inventory.setGroupsKnown({ at: run.startedAt, reason: null });
  });
  if (!committed) return SUPERSEDED;
  return part === "first" ? AGAIN : DONE;
};

/** Reads one user's groups and stores them, or why they are not known. `stored` runs in the same transaction. */
export const readUserGroups = async (
  context: StepContext,
  userId: string,
  stored: (changed: boolean) => void,
): Promise<StepOutcome> => {
  const { inventory } = context;
  const groups = await allGroupsOf(context, userId);
  const readAt = context.now();
  if (!groups.ok) {
    return settleFailure(context, groups.error, (reason) =>
      stored(inventory.assets.setGroupsRead(userId, reason, false, readAt)),
    );
  }
  const committed = context.commit(() => {
    const everyone = inventory.groups.everyoneId();
    const own = groups.value.filter(({ id }) => id !== everyone);
    for (const group of own) {
      if (inventory.groups.has(group.id)) continue;
      // A user's list may tell no more of a group than its name: the next delta reads it whole.
      inventory.groups.file(group);
      inventory.stale.add("group", group.id, "search", readAt);
    }
    const changed = inventory.memberships.replaceGroupsOf(
      userId,
      own.map(({ id }) => id),
    );
    stored(inventory.assets.setGroupsRead(userId, null, changed, readAt));
  });
  return committed ? AGAIN : SUPERSEDED;
};

const allGroupsOf = async (context: StepContext, userId: string): Promise<Result<OktaGroup[], OktaError>> => {
  const { api } = context;
  const all: OktaGroup[] = [];
  let next: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer: Awaited<ReturnType<typeof api.userGroups>> = await api.userGroups(
      userId,
      next === null ? {} : { next },
    );
    if (!answer.ok) return isNone(context, userId, answer.error) ? ok([]) : err(answer.error);
    all.push(...parseAll(answer.value.records, parseGroup).records);
    next = answer.value.next;
    if (next === null) break;
  }
  return ok(all);
};
