/** Reading who has roles, and which roles. */
import type { ChangeSource } from "../../contract/changes.ts";
import { INDEX_LAG_MS } from "../../inventory/precedence.ts";
import { identifierOf } from "../../okta/records.ts";
import { readRoles as askRoles } from "../../okta/user-facts.ts";
import { PAGE } from "../../streams/plan.ts";
import type { ListCursor, PassCursor } from "../cursors.ts";
import {
  AGAIN,
  accountOf,
  type BatchWrite,
  concernsOne,
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
  shownUntil,
} from "../step.ts";

/** The name of the listing of users with roles in a full run. */
const ASSIGNEES = "assignees";
const BATCH = 100;

/**
 * Reads one page of the users with roles assigned to them. Okta does not document whether this list includes users
 * whose roles come only through a group.
 * @param listing the name of the listing
 */
export const listAssignees = <C extends ListCursor>(
  context: StepContext<C>,
  listing: string,
): Promise<ListOutcome> => {
  const { inventory, api } = context;
  return listStep(
    context,
    (request) => api.roleAssignees(request),
    { limit: String(PAGE.assignees) },
    (page, number, askedAt) => {
      if (number === 0) inventory.sweeps.begin(listing);
      const ids = page.records.map(identifierOf).filter((id) => id !== null);
      inventory.sweeps.add(listing, number, ids);
      if (page.next === null) inventory.admins.makeUpForFailure(askedAt);
    },
  );
};

/** Lists the users with roles assigned to them. */
export const assigneesPhase: Phase<ListCursor> = async (context) => {
  const outcome = await listAssignees(context, ASSIGNEES);
  return outcome.next === "failed" ? assigneesFailed(context, outcome) : outcome;
};

/**
 * Handles a failure to list the users with roles: waits, or makes the roles of everybody unknown whom nothing else tells
 * of: their own answer, which is then asked for from members of groups that give roles.
 */
export const assigneesFailed = (
  context: SliceContext,
  { error }: Extract<ListOutcome, { next: "failed" }>,
): StepOutcome => {
  const { inventory, run } = context;
  const reason = concernsOne(error) ? "failed" : lasting(error, run);
  if (reason === null) return { next: "wait", error };
  return context.commit(() => {
    inventory.admins.setOrg({
      at: inventory.meta.get("roles")?.at ?? null,
      reason,
      failedAt: context.now(),
    });
    if (run.kind !== "full") return;
    run.assigneesRefused = true;
    inventory.sweeps.begin(ASSIGNEES);
  }, DONE);
};

/**
 * Reads the roles of each user whom the org's list names: one call per user. What a group gives its members is the
 * group's to tell. Failures get a second try at the end.
 */
export const adminRolesPhase: Phase<PassCursor> = async (context) => {
  const { inventory, run } = context;
  const { part, since = run.startedAt } = context.cursor;
  const isRefused = run.assigneesRefused === true;
  if (part === undefined) {
    return context.commit(() => {
      inventory.admins.setCandidates(isRefused ? null : ASSIGNEES, run.startedAt - INDEX_LAG_MS);
      if (!isRefused) inventory.stale.doneBefore("assignees", shownUntil(context, run.startedAt));
      context.move({ part: "first", since: run.startedAt });
    }, AGAIN);
  }
  const ids = inventory.admins.next(since, BATCH, part === "second");
  if (ids.length > 0) {
    return forEachAsset(context, ids, (id) =>
      readRoles(context, id, () => inventory.stale.done("roles", id)),
    );
  }
  if (part === "first") {
    return context.commit(() => context.move({ part: "second", since: context.now() }), AGAIN);
  }
  return context.commit(() => {
    if (!isRefused) inventory.admins.setOrg({ at: run.startedAt, reason: null });
    inventory.stale.doneBefore("roles", shownUntil(context, run.startedAt));
    inventory.sweeps.begin(ASSIGNEES);
  }, DONE);
};

/**
 * Reads one user's roles and stores them, or the reason why they are unknown.
 * @param stored called in the same transaction, with whether the user's event changed
 * @param source what has shown that they may have changed; absent: the phase itself
 */
export const readRoles = async (
  context: SliceContext,
  userId: string,
  stored: (changed: boolean) => void,
  source?: ChangeSource,
): Promise<StepOutcome> => {
  const roles = await askRoles(context.api, accountOf(context, userId));
  const readAt = context.now();
  if (!roles.ok) {
    return settleFailure(context, roles.error, (reason) =>
      storeReadings(context, [{ userId, reading: { reason }, readAt, stored }]),
    );
  }
  const reading = { value: JSON.stringify(roles.value) };
  return context.later(storeReadings, { userId, reading, readAt, stored, ...(source && { source }) });
};

const storeReadings: BatchWrite<ReadingToStore> = ({ inventory }, readings) => {
  for (const { userId, reading, readAt, stored, source } of readings) {
    const store = () => inventory.admins.setRoles(userId, reading, readAt);
    stored(inventory.history.as({ ...(source && { source }) }, store));
  }
};
