import type { RunKind } from "../../contract/status.ts";
import { identifierOf } from "../../okta/records.ts";
import { earlyGroups, PAGE } from "../../streams/plan.ts";
import type { MembershipsCursor } from "../cursors.ts";
import {
  AGAIN,
  DONE,
  lasting,
  listStep,
  type Phase,
  type SliceContext,
  type StepContext,
  type StepOutcome,
  shownUntil,
} from "../step.ts";
import { isGroupGone } from "./groups.ts";

const LISTING = "members";
/** The name of the listing of one group's members that is read again by a run of this kind. */
export const membersListing = (kind: RunKind, groupId: string): string => `members/${kind}/${groupId}`;

/** The next group after this id whose members this run lists; null if there is none. */
const nextGroup = ({ inventory, run }: SliceContext, after: string): string | null => {
  const { groups } = inventory;
  if (run.membershipMode === "per_group") return groups.nextToList(after)?.id ?? null;
  const early = earlyGroups(groups.toList(), inventory.countPresent() ?? 0);
  return early.find(({ id }) => id > after)?.id ?? null;
};

/**
 * Lists the members of each group, except Everyone and empty groups. A run that reads memberships user by user lists only
 * a few groups that give roles.
 */
export const membershipsPhase: Phase<MembershipsCursor> = async (context) => {
  const { inventory, run, api, cursor } = context;
  // Without a next page, a group that was begun begins again: the cursor of its list had expired.
  const begun = cursor.next || cursor.restarts !== undefined;
  const group = begun ? (cursor.group ?? null) : nextGroup(context, cursor.group ?? "");
  if (group === null || group === "") return finish(context);
  const since = cursor.next ? (cursor.since ?? run.startedAt) : context.now();
  /** Finishes this group: moves to a cursor without its pages. */
  const leave = (refusal: MembershipsCursor["refusal"]) => {
    const { size } = context.cursor;
    context.move({ group, ...(refusal !== undefined && { refusal }), ...(size && { size }) });
  };
  // A delta run has found that the group is gone. A list may still show its members for a while.
  if (begun && !inventory.groups.has(group)) return context.commit(() => leave(cursor.refusal), AGAIN);
  const outcome = await listStep(
    context,
    (request) => api.groupUsers(group, request),
    { limit: String(PAGE.members) },
    (page, number) => {
      // A member whose record cannot be read is still a member, as long as it has an id.
      const ids = page.records.map(identifierOf).filter((id) => id !== null);
      const added = inventory.memberships.addMembers(group, ids, shownUntil(context, since));
      if (number === 0 && page.next === null) {
        // Most groups have one page, which shows by itself who is left out.
        closeGroup(context, group, since, (asOf) => {
          if (inventory.memberships.countOf(group) > added.length)
            inventory.memberships.keepThese(group, ids, asOf);
        });
      } else {
        if (number === 0) inventory.sweeps.begin(LISTING);
        inventory.sweeps.add(LISTING, number, ids);
        if (page.next === null)
          closeGroup(context, group, since, (asOf) => inventory.memberships.keepOnly(group, LISTING, asOf));
      }
      context.move({ ...context.cursor, group, since });
    },
    () => leave(context.cursor.refusal),
  );
  if (outcome.next === "done") return AGAIN;
  if (outcome.next !== "failed") return outcome;
  const missing = outcome.error.code === "not_found";
  if (missing && (await isGroupGone(context, group))) {
    return context.commit(() => {
      inventory.groups.remove(group);
      leave(context.cursor.refusal);
    }, AGAIN);
  }
  const reason = missing ? "failed" : lasting(outcome.error, run);
  if (reason === null) return { next: "wait", error: outcome.error };
  return context.commit(() => leave(context.cursor.refusal ?? reason), AGAIN);
};

/**
 * After the last page of a group: removes the members that it did not show, unless a delta run has listed them since.
 * @param since when listing the group began, ms since the epoch by our clock
 * @param keepShown removes those who were not shown; `asOf` as in `Memberships.addMembers`
 */
const closeGroup = (
  context: SliceContext,
  group: string,
  since: number,
  keepShown: (asOf: number) => void,
): void => {
  const { groups, stale, sweeps } = context.inventory;
  const asOf = shownUntil(context, since);
  const listedFrom = since + context.api.skewMs;
  if (groups.membersReadUntil(group) <= listedFrom) keepShown(asOf);
  // A delta run that is in the middle of the same list began it earlier.
  if (sweeps.size(membersListing("delta", group)) > 0) groups.setMembersReadUntil(group, listedFrom);
  stale.doneIfBefore("members", group, asOf);
};

/** After the last group: stores how far memberships are known for the whole org. */
const finish = (context: StepContext<MembershipsCursor>): StepOutcome => {
  const { inventory, run } = context;
  return context.commit(() => {
    inventory.sweeps.begin(LISTING);
    if (run.membershipMode === "per_user") return;
    const asOf = shownUntil(context, run.startedAt);
    const reason = context.cursor.refusal ?? null;
    if (reason === null) {
      inventory.stale.doneBefore("user_groups", asOf);
      inventory.userGroups.clearReasons(run.newestAsset);
    }
    const before = inventory.meta.get("groups")?.at ?? null;
    inventory.setGroupsKnown(
      reason === null ? { at: run.startedAt, reason } : { at: before, reason, failedAt: context.now() },
    );
  }, DONE);
};
