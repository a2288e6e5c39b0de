/** Who has roles, and which. */
import { identifierOf, parseRoles } from "../../okta/records.ts";
import { PAGE } from "../../streams/plan.ts";
import {
  AGAIN,
  type BatchWrite,
  DONE,
  forEachAsset,
  isNone,
  lasting,
  listStep,
  type Phase,
  type ReadingToStore,
  readingOf,
  type StepContext,
  type StepOutcome,
  SUPERSEDED,
  settleFailure,
} from "../step.ts";

const LISTING = "assignees";
const BATCH = 100;

/** People with a role of their own. Whether Okta lists those with a role by group is undocumented. */
export const assigneesPhase: Phase = async (context) => {
  const { inventory, run, api } = context;
  const outcome = await listStep(
    context,
    (request) => api.roleAssignees(request),
    { limit: String(PAGE.assignees) },
    (page, number) => {
      if (number === 0) inventory.sweeps.begin(LISTING);
      const ids = page.records.map(identifierOf).filter((id) => id !== null);
      inventory.sweeps.add(LISTING, number, ids);
    },
  );
  if (outcome.next !== "failed") return outcome;
  const reason = lasting(outcome.error, run);
  if (reason === null) return { next: "wait", error: outcome.error };
  return giveUpRoles(context, reason);
};

const giveUpRoles = (context: StepContext, reason: "forbidden" | "failed"): StepOutcome => {
  const { inventory, run } = context;
  const committed = context.commit(() => {
    inventory.admins.setOrg({ at: inventory.meta.get("roles")?.at ?? null, reason });
    run.phases = run.phases.filter((phase) => phase !== "admin_roles");
  });
  return committed ? DONE : SUPERSEDED;
};

/** The roles of each of them, direct and by group, in one call a person; failures get a second try at the end. */
export const adminRolesPhase: Phase = async (context) => {
  const { inventory, run } = context;
  const { part, since = run.startedAt } = run.cursor;
  if (part === undefined) {
    const committed = context.commit(() => {
      inventory.admins.setCandidates(LISTING, inventory.groups.everyoneHasRoles());
      run.cursor = { part: "first", since: run.startedAt };
    });
    return committed ? AGAIN : SUPERSEDED;
  }
  const ids = inventory.admins.next(since, BATCH, part === "second");
  if (ids.length > 0) return forEachAsset(context, ids, (id) => readRoles(context, id, () => {}));
  const committed = context.commit(() => {
    if (part === "first") {
      run.cursor = { part: "second", since: context.now() };
    } else {
      inventory.admins.setOrg({ at: run.startedAt, reason: null });
      inventory.sweeps.begin(LISTING);
    }
  });
  if (!committed) return SUPERSEDED;
  return part === "first" ? AGAIN : DONE;
};

/** Reads one person's roles and stores them, or why they are not known. `stored` runs in the same transaction. */
export const readRoles = async (
  context: StepContext,
  userId: string,
  stored: (changed: boolean) => void,
): Promise<StepOutcome> => {
  const roles = await context.api.userRoles(userId);
  const readAt = context.now();
  if (!roles.ok && !isNone(context, userId, roles.error)) {
    return settleFailure(context, roles.error, (reason) =>
      storeReadings(context, [{ userId, reading: { reason }, readAt, stored }]),
    );
  }
  const reading = readingOf(parseRoles(roles.ok ? roles.value : []));
  return context.later(storeReadings, { userId, reading, readAt, stored }) ? AGAIN : SUPERSEDED;
};

const storeReadings: BatchWrite<ReadingToStore> = ({ inventory }, readings) => {
  for (const { userId, reading, readAt, stored } of readings)
    stored(inventory.admins.setRoles(userId, reading, readAt));
};
