import { identifierOf } from "../../okta/records.ts";
import { PAGE } from "../../streams/plan.ts";
import type { MembershipsCursor } from "../cursors.ts";
import { AGAIN, DONE, lasting, listStep, type Phase, type StepContext, type StepOutcome } from "../step.ts";
import { isGroupGone } from "./groups.ts";

const LISTING = "members";

/** Lists the members of each group, except Everyone and empty groups. */
export const membershipsPhase: Phase<MembershipsCursor> = async (context) => {
  const { inventory, run, api, cursor } = context;
  const group = cursor.next ? (cursor.group ?? "") : inventory.groups.nextToList(cursor.group ?? "")?.id;
  if (group === undefined || group === "") return finish(context);
  /** Finishes this group: moves to a cursor without its pages. */
  const leave = (refusal: MembershipsCursor["refusal"]) =>
    context.move({ group, ...(refusal !== undefined && { refusal }) });
  const outcome = await listStep(
    context,
    (request) => api.groupUsers(group, request),
    { limit: String(PAGE.members) },
    (page, number) => {
      if (number === 0) inventory.sweeps.begin(LISTING);
      // A member whose record cannot be read is still a member, as long as it has an id.
      const ids = page.records.map(identifierOf).filter((id) => id !== null);
      inventory.sweeps.add(LISTING, number, ids);
      inventory.memberships.addMembers(group, ids);
      if (page.next === null) inventory.memberships.keepOnly(group, LISTING);
      context.move({ ...context.cursor, group });
    },
  );
  if (outcome.next === "done") return context.commit(() => leave(context.cursor.refusal), AGAIN);
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

/** After the last group: stores how far memberships are known for the whole org. */
const finish = (context: StepContext<MembershipsCursor>): StepOutcome => {
  const { inventory, run } = context;
  return context.commit(() => {
    for (const id of inventory.groups.emptyOnes()) inventory.groups.empty(id);
    const reason = context.cursor.refusal ?? null;
    if (reason === null) inventory.userGroups.clearReasons();
    const before = inventory.meta.get("groups")?.at ?? null;
    inventory.setGroupsKnown({ at: reason === null ? run.startedAt : before, reason });
    inventory.sweeps.begin(LISTING);
  }, DONE);
};
