/**
 * Follows what Okta lets a stream's runs read: takes note of what is lost, tries it, and has it read again once it is
 * back. Everything here that writes is called inside a transaction.
 */
import type { StaleKind } from "../inventory/stale-kinds.ts";
import { ALL } from "../streams/log-effects.ts";
import {
  doubtful,
  judged,
  type Lost,
  type Outcome,
  type Permission,
  type Tallies,
  tallied,
} from "./permissions.ts";
import type { SliceContext } from "./step.ts";

/** Something to be read again. */
type Entry = readonly [kind: StaleKind, id: string];

/** How many of those who were refused are asked for again, to find out whether they still are. */
const PROBES = 2;
/** More users and groups with roles than any org has. */
const ALL_OF_THEM = 100_000;

const queue = (context: SliceContext, entries: readonly Entry[]): void => {
  for (const [kind, id] of entries) context.inventory.stale.add(kind, id, "rolling", context.api.serverNow());
};

const entriesOf = (kind: StaleKind, ids: readonly string[]): Entry[] => ids.map((id) => [kind, id]);

/** Has everything read again that was refused. Administrators come first in every queue. */
const readAgain: Readonly<Partial<Record<Permission, (context: SliceContext) => void>>> = {
  // A full run reads the groups, and who is in them, before everything else. One that is on has just been answered.
  groups: ({ meta, run }) => {
    if (run.kind !== "full") meta.set("fullDue", true);
  },
  memberships: ({ meta, run }) => {
    if (run.kind !== "full") meta.set("fullDue", true);
  },
  factors: ({ meta, now }) => meta.set("factorsBackAt", now()),
  roles: (context) =>
    queue(context, entriesOf("roles", context.inventory.refused.roles.refused(ALL_OF_THEM))),
  group_roles: (context) =>
    queue(context, entriesOf("group_roles", context.inventory.refused.groupRoles.refused(ALL_OF_THEM))),
  role_assignees: (context) => queue(context, [["assignees", ALL]]),
};

/** Takes note of how calls of this run went, and has read again what may be read again. */
export const notePermissions = (context: SliceContext, outcomes: readonly Outcome[]): void => {
  if (outcomes.length === 0) return;
  const { meta, run } = context;
  run.answers = tallied(run.answers ?? {}, outcomes);
  const before = meta.get("lost") ?? {};
  const fresh = new Set(outcomes.map(({ permission }) => permission));
  const { lost, back } = judged(before, run.answers, fresh);
  if (lost !== before) setLost(context, lost);
  for (const permission of back) readAgain[permission]?.(context);
};

const setLost = ({ meta }: SliceContext, lost: Lost): void => {
  if (Object.keys(lost).length === 0) meta.delete("lost");
  else meta.set("lost", lost);
};

/** Some of what was refused, the longest ago first; undefined for what shows by itself, in a list. */
const refusedEntries = (
  { inventory: { refused, factors }, now }: SliceContext,
  permission: Permission,
): readonly Entry[] | undefined => {
  switch (permission) {
    case "factors": {
      const { due } = factors.nextAdmins(null, { dueBefore: 0, triedBefore: now(), refusedToo: true });
      const ids = [...due.slice(0, 1), ...refused.factors.refused(PROBES)];
      return entriesOf("factors", ids.slice(0, PROBES));
    }
    case "roles":
      return entriesOf("roles", refused.roles.refused(PROBES));
    case "group_roles":
      return entriesOf("group_roles", refused.groupRoles.refused(PROBES));
    case "role_assignees":
      return [["assignees", ALL]];
    case "memberships": {
      const users = entriesOf("user_groups", refused.userGroups.refused(1));
      return users.length > 0 ? users : entriesOf("members", refused.smallestGroup());
    }
    default:
      return undefined;
  }
};

/** Something that could be read before. */
const shownEntries = ({ inventory: { refused } }: SliceContext, permission: Permission): readonly Entry[] => {
  switch (permission) {
    case "factors":
      return entriesOf("factors", refused.factors.shown());
    case "roles":
      return entriesOf("roles", refused.roles.shown());
    case "group_roles":
      return entriesOf("group_roles", refused.groupRoles.shown());
    case "memberships":
      return entriesOf("members", refused.smallestGroup());
    default:
      return [];
  }
};

/**
 * Queues some of what is lost to be tried, unless the run follows an event hook: those come too often for calls that are
 * likely to be in vain. What is lost in a list shows when the list is asked for; only the groups, whose search says
 * nothing when it finds none, are asked for here.
 */
export const tryLost = async (context: SliceContext): Promise<void> => {
  const { meta, run, api } = context;
  run.triedLost = true;
  const lost = meta.get("lost");
  if (lost === null || run.kind !== "delta" || run.cause === "hook") return;
  if (lost.groups !== undefined) await api.groups({ query: { limit: "1" } });
  context.commit(
    () => {
      for (const permission of Object.keys(lost) as Permission[]) {
        const entries = refusedEntries(context, permission);
        if (entries === undefined) continue;
        queue(context, entries);
        // Nothing is left that was refused.
        if (entries.length === 0) setLost(context, without(meta.get("lost") ?? {}, permission));
      }
    },
    { next: "again" },
    { progress: false },
  );
};

const without = (lost: Lost, permission: Permission): Lost => {
  const { [permission]: _, ...others } = lost;
  return others;
};

/**
 * Where it is open whether a refusal concerns everything of its kind, queues something that could be read before; if there
 * is nothing, all of it is lost.
 * @returns whether something was queued
 */
export const settleDoubts = (context: SliceContext): boolean => {
  const { meta, run } = context;
  const tallies: Tallies = run.answers ?? {};
  const doubts = doubtful(tallies, meta.get("lost") ?? {});
  if (doubts.length === 0) return false;
  let queued = false;
  context.commit(
    () => {
      for (const permission of doubts) {
        const tally = tallies[permission];
        if (tally?.first === undefined) continue;
        const entries = shownEntries(context, permission);
        run.answers = { ...run.answers, [permission]: { ...tally, isProbed: true } };
        queue(context, entries);
        queued ||= entries.length > 0;
        if (entries.length === 0 && tally.answered === 0)
          setLost(context, { ...meta.get("lost"), [permission]: tally.first });
      }
    },
    { next: "again" },
    { progress: false },
  );
  return queued;
};
