/** Reading groups with their sizes, and the roles that they give. */
import { parseAll, parseGroup, parseRoles } from "../../okta/records.ts";
import { PAGE, planMemberships } from "../../streams/plan.ts";
import type { ListCursor } from "../cursors.ts";
import {
  AGAIN,
  concernsOne,
  DONE,
  lasting,
  listStep,
  type Phase,
  readingOf,
  type SliceContext,
  type StepOutcome,
  shownUntil,
} from "../step.ts";

const LISTING = "groups";

/** Lists all groups with `expand=stats`. Their sizes decide how the memberships are read. */
export const groupsPhase: Phase<ListCursor> = async (context) => {
  const { inventory, run, api } = context;
  const outcome = await listStep(
    context,
    (request) => api.groups(request),
    { limit: String(PAGE.groups), expand: "stats" },
    (page, number, listedAt) => {
      if (number === 0) inventory.sweeps.begin(LISTING);
      const { records, quarantined } = parseAll(page.records, parseGroup);
      const ids = records.map(({ id }) => id);
      inventory.sweeps.add(LISTING, number, ids);
      for (const group of records) {
        const { id, lastUpdated } = group;
        const filed = inventory.groups.file(group, { listedAt, complete: true, now: api.serverNow() });
        inventory.stale.doneUntil("group", id, lastUpdated, api.serverNow());
        if (filed === "doubted") inventory.stale.add("group", id, "search", api.serverNow());
        // Otherwise the next phase reads its roles.
        if (filed === "opened" && inventory.groups.rolesTriedSince(id, run.startedAt))
          inventory.stale.add("group_roles", id, "search", api.serverNow());
      }
      for (const [index, bad] of quarantined.entries())
        inventory.quarantine.add(bad, `groups/${number}/${index}`);
    },
  );
  if (outcome.next === "failed") {
    const reason = lasting(outcome.error, run);
    return reason === null ? { next: "wait", error: outcome.error } : giveUpGroups(context, reason);
  }
  if (outcome.next !== "done") return outcome;
  // Every org has at least Everyone. An empty list means that the credential may not see groups.
  if (inventory.sweeps.size(LISTING) === 0) return giveUpGroups(context, "forbidden");
  return context.commit(() => {
    const { gone, doubted } = inventory.groups.absentFrom(LISTING, run.startedAt);
    for (const id of gone) inventory.groups.remove(id);
    inventory.stale.doneBefore("group", shownUntil(context, run.startedAt));
    for (const id of doubted) inventory.stale.add("group", id, "search", api.serverNow());
    // Until now it was not known which group holds everybody; its memberships are not stored.
    const everyone = inventory.groups.everyoneId();
    if (everyone !== null) inventory.memberships.forgetGroup(everyone);
    inventory.sweeps.begin(LISTING);
    decideMemberships(context);
  }, DONE);
};

/** Makes groups and roles unknown for the whole org, and skips the phases that need groups. */
const giveUpGroups = (context: SliceContext, reason: "forbidden" | "failed"): StepOutcome => {
  const { inventory, run } = context;
  return context.commit(() => {
    const failedAt = context.now();
    inventory.setGroupsKnown({ at: inventory.meta.get("groups")?.at ?? null, reason, failedAt });
    inventory.admins.setOrg({ at: inventory.meta.get("roles")?.at ?? null, reason, failedAt });
    const skipped = ["group_roles", "assignees", "memberships", "user_groups", "admin_roles"];
    run.phases = run.phases.filter((phase) => !skipped.includes(phase));
  }, DONE);
};

/**
 * Chooses to read memberships per group or per user, whichever takes fewer calls, and sets the phases accordingly.
 */
const decideMemberships = ({ definition, inventory, run }: SliceContext): void => {
  const isFirst = (inventory.meta.get("groups")?.at ?? null) === null;
  const { mode, calls } = planMemberships(inventory.groups.toList(), inventory.countPresent(), isFirst);
  run.membershipMode = mode;
  run.membershipCalls = calls;
  run.phases = definition.run.fullPhases({ memberships: mode, isFirst });
};

/** Reads the roles that groups give: one call per group that gives any or may give some. */
export const groupRolesPhase: Phase<Record<string, never>> = async (context) => {
  const { inventory, run, api } = context;
  const id = inventory.groups.nextWithRoles(run.startedAt);
  if (id === null) return DONE;
  const roles = await api.groupRoles(id);
  const readAt = context.now();
  if (roles.ok) {
    const reading = readingOf(parseRoles(roles.value));
    return context.commit(() => {
      inventory.groups.setRoles(id, reading, readAt);
      inventory.stale.done("group_roles", id);
    }, AGAIN);
  }
  // The group was just listed, so a 404 says nothing about its roles: they are unknown.
  const reason = concernsOne(roles.error) ? "failed" : lasting(roles.error, run);
  if (reason === null) return { next: "wait", error: roles.error };
  return context.commit(() => {
    // A missing scope concerns all groups; a missing permission may concern only this one.
    if (roles.error.code === "insufficient_scope")
      inventory.groups.refuseRoles(reason, run.startedAt, readAt);
    else inventory.groups.setRoles(id, { reason }, readAt);
    inventory.stale.done("group_roles", id);
  }, AGAIN);
};

/** Whether a group no longer exists, by reading it by id. A 404 for its members or roles alone would not prove it. */
export const isGroupGone = async ({ api }: SliceContext, groupId: string): Promise<boolean> => {
  const record = await api.group(groupId);
  return !record.ok && record.error.code === "not_found";
};
