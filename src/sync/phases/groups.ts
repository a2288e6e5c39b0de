/** Groups with their sizes, the roles they give, and who is in them. */
import { isForbidden } from "../../okta/errors.ts";
import { identifierOf, parseAll, parseGroup, parseRoles } from "../../okta/records.ts";
import { PAGE, planMemberships } from "../../streams/plan.ts";
import { fullPhases } from "../phases.ts";
import {
  AGAIN,
  DONE,
  lasting,
  listStep,
  type Phase,
  readingOf,
  type StepContext,
  type StepOutcome,
  SUPERSEDED,
} from "../step.ts";

const LISTING = "groups";
const MEMBERS = "members";

/** Every group, with `expand=stats`: the counts decide how the rest is read. */
export const groupsPhase: Phase = async (context) => {
  const { inventory, run, api } = context;
  const outcome = await listStep(
    context,
    (request) => api.groups(request),
    { limit: String(PAGE.groups), expand: "stats" },
    (page, number) => {
      if (number === 0) inventory.sweeps.begin(LISTING);
      const { records, quarantined } = parseAll(page.records, parseGroup);
      inventory.sweeps.add(
        LISTING,
        number,
        records.map(({ id }) => id),
      );
      for (const group of records) inventory.groups.file(group, { listed: true });
      for (const [index, bad] of quarantined.entries())
        inventory.quarantine.add(bad, `groups/${number}/${index}`);
    },
  );
  if (outcome.next === "failed") {
    const reason = lasting(outcome.error, run);
    return reason === null ? { next: "wait", error: outcome.error } : giveUpGroups(context, reason);
  }
  if (outcome.next !== "done") return outcome;
  // Okta has at least its Everyone group: none at all is a credential that may not see them.
  if (inventory.sweeps.size(LISTING) === 0) return giveUpGroups(context, "forbidden");
  const committed = context.commit(() => {
    for (const id of inventory.groups.absentFrom(LISTING)) inventory.groups.remove(id);
    inventory.sweeps.begin(LISTING);
    decideMemberships(context);
  });
  return committed ? DONE : SUPERSEDED;
};

const giveUpGroups = (context: StepContext, reason: "forbidden" | "failed"): StepOutcome => {
  const { inventory, run } = context;
  const committed = context.commit(() => {
    inventory.setGroupsKnown({ at: inventory.meta.get("groups")?.at ?? null, reason });
    inventory.admins.setOrg({ at: inventory.meta.get("roles")?.at ?? null, reason });
    const skipped = ["group_roles", "assignees", "memberships", "user_groups", "admin_roles"];
    run.phases = run.phases.filter((phase) => !skipped.includes(phase));
  });
  return committed ? DONE : SUPERSEDED;
};

/** Per group or per user, whichever is fewer calls; the phases follow. */
const decideMemberships = ({ inventory, run }: StepContext): void => {
  const active = inventory.assets.countNotDeprovisioned() || inventory.groups.everyoneCount();
  const plan = planMemberships(inventory.groups.toList(), active);
  run.membershipMode = plan.mode;
  run.membershipCalls = plan.calls;
  run.phases = fullPhases("users", plan.mode, inventory.groups.everyoneHasRoles());
};

/** The roles that groups give: one call for each group that has any, never one per user. */
export const groupRolesPhase: Phase = async (context) => {
  const { inventory, run, api } = context;
  const id = inventory.groups.nextWithRoles(run.startedAt);
  if (id === null) return DONE;
  const roles = await api.groupRoles(id);
  const readAt = context.now();
  let store: () => void;
  if (roles.ok) {
    const reading = readingOf(parseRoles(roles.value));
    store = () => inventory.groups.setRoles(id, reading, readAt);
  } else {
    // A 404 says nothing of the roles of a group that was just listed: they are not known.
    const reason = roles.error.code === "not_found" ? "failed" : lasting(roles.error, run);
    if (reason === null) return { next: "wait", error: roles.error };
    // Reading roles is allowed or not as a whole: one refusal saves the calls for the rest.
    store = isForbidden(roles.error)
      ? () => inventory.groups.refuseRoles(reason, run.startedAt, readAt)
      : () => inventory.groups.setRoles(id, { reason }, readAt);
  }
  return context.commit(store) ? AGAIN : SUPERSEDED;
};

/** Members, group by group, 1,000 a page; Everyone and empty groups are not asked for. */
export const membershipsPhase: Phase = async (context) => {
  const { inventory, run, api } = context;
  const listing = run.cursor.next
    ? (run.cursor.group ?? "")
    : inventory.groups.nextToList(run.cursor.group ?? "")?.id;
  if (listing === undefined || listing === "") return finishMemberships(context);
  const outcome = await listStep(
    context,
    (request) => api.groupUsers(listing, request),
    { limit: String(PAGE.members) },
    (page, number) => {
      if (number === 0) inventory.sweeps.begin(MEMBERS);
      // A member whose record is unreadable still is a member, as long as it has an id.
      const ids = page.records.map(identifierOf).filter((id) => id !== null);
      inventory.sweeps.add(MEMBERS, number, ids);
      inventory.memberships.addMembers(listing, ids);
      if (page.next === null) inventory.memberships.keepOnly(listing, MEMBERS);
      run.cursor = { ...run.cursor, group: listing };
    },
  );
  if (outcome.next === "done") {
    // The group is complete: its cursor is left behind together with its pages.
    const committed = context.commit(() => {
      run.cursor = { group: listing, ...(run.cursor.refusal && { refusal: run.cursor.refusal }) };
    });
    return committed ? AGAIN : SUPERSEDED;
  }
  if (outcome.next !== "failed") return outcome;
  const missing = outcome.error.code === "not_found";
  const gone = missing && (await isGroupGone(context, listing));
  const reason = gone ? null : missing ? "failed" : lasting(outcome.error, run);
  if (!gone && reason === null) return { next: "wait", error: outcome.error };
  const committed = context.commit(() => {
    if (gone) inventory.groups.remove(listing);
    const refusal = run.cursor.refusal ?? reason;
    run.cursor = { group: listing, ...(refusal && { refusal }) };
  });
  return committed ? AGAIN : SUPERSEDED;
};

/** Is a group gone, by its own id? Another 404 about it proves nothing. */
export const isGroupGone = async ({ api }: StepContext, groupId: string): Promise<boolean> => {
  const record = await api.group(groupId);
  return !record.ok && record.error.code === "not_found";
};

const finishMemberships = (context: StepContext): StepOutcome => {
  const { inventory, run } = context;
  const committed = context.commit(() => {
    for (const id of inventory.groups.emptyOnes()) inventory.groups.empty(id);
    const reason = run.cursor.refusal ?? null;
    if (reason === null) inventory.assets.clearGroupsReasons();
    const before = inventory.meta.get("groups")?.at ?? null;
    inventory.setGroupsKnown(reason === null ? { at: run.startedAt, reason } : { at: before, reason });
    inventory.sweeps.begin(MEMBERS);
  });
  return committed ? DONE : SUPERSEDED;
};
