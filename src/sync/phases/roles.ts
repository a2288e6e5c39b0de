/** Who has roles, and which. */
import { identifierOf } from "../../okta/records.ts";
import { readRoles as askRoles } from "../../okta/user-facts.ts";
import { PAGE } from "../../streams/plan.ts";
import type { ListCursor, PassCursor } from "../cursors.ts";
import {
  AGAIN,
  accountOf,
  type BatchWrite,
  DONE,
  forEachAsset,
  type ListOutcome,
  lasting,
  listStep,
  type Phase,
  type ReadingToStore,
  type SliceContext,
  type StepContext,
  type StepOutcome,
  settleFailure,
} from "../step.ts";

/** The listing of the people with roles. */
export const ASSIGNEES = "assignees";
const BATCH = 100;

/** One page of the people with a role of their own. Whether Okta lists those with a role by group is undocumented. */
export const listAssignees = <C extends ListCursor>(context: StepContext<C>): Promise<ListOutcome> => {
  const { inventory, api } = context;
  return listStep(
    context,
    (request) => api.roleAssignees(request),
    { limit: String(PAGE.assignees) },
    (page, number) => {
      if (number === 0) inventory.sweeps.begin(ASSIGNEES);
      const ids = page.records.map(identifierOf).filter((id) => id !== null);
      inventory.sweeps.add(ASSIGNEES, number, ids);
    },
  );
};

export const assigneesPhase: Phase<ListCursor> = async (context) => {
  const outcome = await listAssignees(context);
  return outcome.next === "failed" ? assigneesFailed(context, outcome) : outcome;
};

/** The list of people with roles could not be read: it is waited for, or who has roles is unknown org-wide. */
export const assigneesFailed = (
  context: SliceContext,
  { error }: Extract<ListOutcome, { next: "failed" }>,
): StepOutcome => {
  const { inventory, run } = context;
  const reason = lasting(error, run);
  if (reason === null) return { next: "wait", error };
  return context.commit(() => {
    inventory.admins.setOrg({ at: inventory.meta.get("roles")?.at ?? null, reason });
    run.phases = run.phases.filter((phase) => phase !== "admin_roles");
  }, DONE);
};

/** The roles of each of them, direct and by group, in one call a person; failures get a second try at the end. */
export const adminRolesPhase: Phase<PassCursor> = async (context) => {
  const { inventory, run } = context;
  const { part, since = run.startedAt } = context.cursor;
  if (part === undefined) {
    return context.commit(() => {
      inventory.admins.setCandidates(ASSIGNEES, inventory.groups.everyoneHasRoles());
      context.move({ part: "first", since: run.startedAt });
    }, AGAIN);
  }
  const ids = inventory.admins.next(since, BATCH, part === "second");
  if (ids.length > 0) return forEachAsset(context, ids, (id) => readRoles(context, id, () => {}));
  if (part === "first") {
    return context.commit(() => context.move({ part: "second", since: context.now() }), AGAIN);
  }
  return context.commit(() => {
    inventory.admins.setOrg({ at: run.startedAt, reason: null });
    inventory.sweeps.begin(ASSIGNEES);
  }, DONE);
};

/** Reads one person's roles and stores them, or why they are not known. `stored` runs in the same transaction. */
export const readRoles = async (
  context: SliceContext,
  userId: string,
  stored: (changed: boolean) => void,
): Promise<StepOutcome> => {
  const roles = await askRoles(context.api, accountOf(context, userId));
  const readAt = context.now();
  if (!roles.ok) {
    return settleFailure(context, roles.error, (reason) =>
      storeReadings(context, [{ userId, reading: { reason }, readAt, stored }]),
    );
  }
  const reading = { value: JSON.stringify(roles.value) };
  return context.later(storeReadings, { userId, reading, readAt, stored });
};

const storeReadings: BatchWrite<ReadingToStore> = ({ inventory }, readings) => {
  for (const { userId, reading, readAt, stored } of readings)
    stored(inventory.admins.setRoles(userId, reading, readAt));
};
