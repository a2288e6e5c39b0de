/** The users themselves, DEPROVISIONED ones included. */
import type { StaleCause } from "../../inventory/stale.ts";
import { type OktaUser, parseUser } from "../../okta/records.ts";
import { PAGE } from "../../streams/plan.ts";
import { DONE, listStep, type Phase, type StepContext, SUPERSEDED } from "../step.ts";
import { closeListing, notePage } from "./listing.ts";

export const USERS_LISTING = "users";

/** A plain list leaves DEPROVISIONED users out; a search does not, and this one matches everybody. */
const EVERYBODY = 'status lt "ZZZ"';

export const usersPhase: Phase = async (context) => {
  const { inventory, run, api } = context;
  const outcome = await listStep(
    context,
    (request) => api.users(request),
    { search: EVERYBODY, limit: String(PAGE.users) },
    (page, number) => {
      run.changes.full += fileUsers(context, notePage(context, USERS_LISTING, page, number, parseUser));
    },
  );
  if (outcome.next === "failed") return { next: "wait", error: outcome.error };
  if (outcome.next !== "done") return outcome;
  const listed = inventory.sweeps.size(USERS_LISTING);
  if (listed === 0 && inventory.assets.counts().total === 0) {
    return {
      next: "stop",
      code: "empty_list",
      message:
        "Okta answered with an empty list of users. A service app without an admin role gets that: give the app or the token's owner the Read-only Administrator role.",
    };
  }
  const committed = context.commit(() => {
    settleEveryone(context, listed);
    closeListing(context);
  });
  return committed ? DONE : SUPERSEDED;
};

/**
 * Files users and settles what their status alone says; returns how many were new or changed. With a cause (of
 * a delta) also queues what has to be read of new users and of those that came or went.
 */
export const fileUsers = (
  { inventory, now }: StepContext,
  users: readonly OktaUser[],
  cause?: StaleCause,
): number => {
  const changed = inventory.assets.file(users);
  const deprovisioned: string[] = [];
  const revived: string[] = [];
  for (const user of users) {
    const change = changed.get(user.id);
    if (change === undefined) continue;
    const was = change.before === null ? null : (JSON.parse(change.before) as OktaUser).status; // `file` wrote it
    if (user.status === "DEPROVISIONED" && was !== "DEPROVISIONED") deprovisioned.push(user.id);
    if (user.status !== "DEPROVISIONED" && was === "DEPROVISIONED") revived.push(user.id);
  }
  for (const { id, lastUpdated } of users) {
    if (lastUpdated !== null) inventory.stale.doneUntil("user", id, Date.parse(lastUpdated));
  }
  if (cause !== undefined) {
    for (const user of users) {
      const change = changed.get(user.id);
      if (change === undefined) continue;
      const isNew = change.before === null;
      const turned = deprovisioned.includes(user.id) || revived.includes(user.id);
      if (isNew) inventory.assets.groupsNeverKnown(user.id);
      if (isNew || turned) inventory.stale.add("user_groups", user.id, cause, now());
      if ((isNew || turned) && user.status !== "DEPROVISIONED")
        inventory.stale.add("factors", user.id, cause, now());
      if (turned) inventory.stale.add("roles", user.id, cause, now());
    }
  }
  inventory.assets.settleFactors({ deprovisioned, revived });
  inventory.quarantine.clear(users.map(({ id }) => id));
  return changed.size;
};

/**
 * Whether Everyone holds DEPROVISIONED users is documented nowhere: its own count tells, being nearer either to
 * all users or to those that are not DEPROVISIONED.
 */
const settleEveryone = ({ inventory }: StepContext, listed: number): void => {
  const count = inventory.groups.everyoneCount();
  const active = inventory.sweeps.sizeNotDeprovisioned(USERS_LISTING);
  if (count === null || active === listed) return;
  inventory.groups.setEveryoneHoldsDeprovisioned(Math.abs(count - listed) < Math.abs(count - active));
};
