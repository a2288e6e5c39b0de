/** Reading again what the log, the searches or other phases have marked as stale, and nothing else. */
import type { RunKind } from "../../contract/status.ts";
import { INDEX_LAG_MS } from "../../inventory/precedence.ts";
import type { StaleEntry, StaleKind } from "../../inventory/stale-kinds.ts";
import type { Page } from "../../okta/api.ts";
import type { OktaError } from "../../okta/errors.ts";
import { identifierOf, parseAll, parseGroup, parseRoles } from "../../okta/records.ts";
import { PAGE } from "../../streams/plan.ts";
import type { RefetchCursor } from "../cursors.ts";
import { settleDoubts, tryLost } from "../permission-control.ts";
import { isPostponed, postpone } from "../postpone.ts";
import {
  AGAIN,
  bury,
  concernsOne,
  DONE,
  forEachAsset,
  lasting,
  listStep,
  type Phase,
  readingOf,
  type SliceContext,
  type StepContext,
  type StepOutcome,
} from "../step.ts";
import { readFactors } from "./factors.ts";
import { isGroupGone } from "./groups.ts";
import { membersListing } from "./memberships.ts";
import { queueCustomRoles, queueHolders, queuePeopleOf, readEverybody } from "./refetch-many.ts";
import { assigneesFailed, listAssignees, readRoles } from "./roles.ts";
import { readUserGroups } from "./user-groups.ts";

/**
 * Entries that stand for many come first, since others follow from them. Then groups, because the roles that they give
 * decide whose roles are read. Assets come before their facts.
 */
const ORDER: readonly StaleKind[] = [
  "custom_roles",
  "factor_holders",
  "device_people",
  "everybody",
  "group",
  "group_roles",
  "members",
  "asset",
  "assignees",
  "user_groups",
  "roles",
  "factors",
];
const BATCH = 100;
/** Lists, of which each run has a name of its own: both lanes may be in the middle of the same one. */
const LISTS: ReadonlySet<StaleKind> = new Set(["members", "assignees", "everybody"]);
const assigneesListing = (kind: RunKind): string => `assignees/again/${kind}`;

/**
 * Reads the next stale entries. Each leaves the queue in the transaction that stores what was read. A full run leaves
 * lists to a delta run that is in progress. If somebody waits for a delta run to poll again, that comes first: between two
 * steps, but not in the middle of a list.
 */
export const refetchPhase: Phase<RefetchCursor> = async (context) => {
  const { inventory, run, meta, cursor } = context;
  const { stale, sweeps } = inventory;
  if (cursor.isOn && !cursor.next && meta.get("pollAgain") === run.id) return DONE;
  if (run.triedLost !== true) await tryLost(context);
  context.move({ ...cursor, isOn: true });
  const leavesLists = run.kind === "full" && meta.get("delta") !== null;
  for (const kind of ORDER) {
    if (leavesLists && LISTS.has(kind)) continue;
    const entries = stale.next(kind, BATCH).filter(({ id }) => !isPostponed(context, `${kind}/${id}`));
    const [first] = entries;
    if (first === undefined) continue;
    if (kind === "members") return readMembers(context, first);
    if (kind === "assignees") return readAssignees(context, first);
    if (kind === "everybody") return readAgainAll(context, first);
    if (kind === "custom_roles") return queueCustomRoles(context, first);
    if (kind === "factor_holders") return queueHolders(context, first);
    if (kind === "device_people") return queuePeopleOf(context, first, failedOn);
    const byId = new Map(entries.map((entry) => [entry.id, entry]));
    return forEachAsset(context, [...byId.keys()], (id) => readAgain(context, byId.get(id) ?? first));
  }
  if (settleDoubts(context)) return AGAIN;
  // The other lane may have read what this run was in the middle of.
  const { listing } = cursor;
  return listing === undefined ? DONE : context.commit(() => sweeps.begin(listing), DONE);
};

const readAgain = (context: SliceContext, entry: StaleEntry): Promise<StepOutcome> | StepOutcome => {
  const { inventory, run } = context;
  const { kind, id, cause } = entry;
  const stored = (changed: boolean): void => {
    inventory.stale.done(kind, id);
    if (changed) run.changes[cause] += 1;
  };
  // Facts of users whom the inventory does not know are not read. They are queued when the user is filed.
  const known = inventory.assets.exists(id);
  switch (kind) {
    case "factors":
      return known ? readFactors(context, id, { stored, source: cause }) : drop(context, entry);
    case "roles":
      // A full run reads who has roles before it lists the users, from a list that may be behind.
      return known || context.meta.get("full") !== null
        ? readRoles(context, id, stored, cause)
        : drop(context, entry);
    case "user_groups":
      return known ? readUserGroups(context, id, stored, cause) : drop(context, entry);
    case "group":
      return readGroup(context, entry);
    case "group_roles":
      return readGroupRoles(context, entry);
    default:
      return readAsset(context, entry);
  }
};

/** Removes an entry without reading it. */
const drop = (context: SliceContext, { kind, id }: StaleEntry): StepOutcome =>
  context.commit(() => context.inventory.stale.done(kind, id), AGAIN);

/** What a list shows that is read because of an entry. */
const from =
  (
    { inventory }: SliceContext,
    { cause }: StaleEntry,
    store: (page: Page, number: number) => void,
  ): ((page: Page, number: number) => void) =>
  (page, number) =>
    inventory.history.as({ source: cause }, () => store(page, number));

/** Stores what was read because of an entry, which leaves the queue. */
const settleEntry = (context: SliceContext, entry: StaleEntry, store: () => void): StepOutcome =>
  context.commit(() => {
    context.inventory.history.as({ source: entry.cause }, store);
    context.inventory.stale.done(entry.kind, entry.id);
  }, AGAIN);

/**
 * Waits if the failure may pass soon. What no later run can read either is dropped, and the next full run makes up for it;
 * everything else is left to the next run.
 */
const failedOn = (context: SliceContext, entry: StaleEntry, error: OktaError): StepOutcome => {
  const { kind, id } = entry;
  if (concernsOne(error)) return drop(context, entry);
  if (lasting(error, context.run) === null) return { next: "wait", error };
  return postpone(context, `${kind}/${id}`, error, () => context.inventory.stale.done(kind, id));
};

const readAsset = async (context: SliceContext, entry: StaleEntry): Promise<StepOutcome> => {
  const { definition, connection, inventory, run, api } = context;
  const { source, store, name } = definition;
  const { id, cause } = entry;
  const readAt = context.now();
  const answer = await source.one(api, inventory, id, connection.profileAttributes);
  if (!answer.ok) return failedOn(context, entry, answer.error);
  const record = answer.value;
  return settleEntry(context, entry, () => {
    if (record === null) {
      if (bury(context, id)) run.changes.deleted += 1;
      else inventory.assets.noteGone(id);
    } else if (record.ok) {
      run.changes[cause] += store.file(inventory, [record.value], { now: api.serverNow(), readAt, cause });
    } else {
      inventory.quarantine.add(record.error, `${name}/${id}`);
    }
  });
};

const readGroup = async (context: SliceContext, entry: StaleEntry): Promise<StepOutcome> => {
  const { inventory, api } = context;
  const { id, cause } = entry;
  const record = await api.group(id);
  if (!record.ok && record.error.code !== "not_found") return failedOn(context, entry, record.error);
  return settleEntry(context, entry, () => {
    if (!record.ok) inventory.groups.remove(id);
    else for (const group of parseAll([record.value], parseGroup).records) inventory.groups.file(group);
    if (inventory.groups.rolesUnheardOf(id)) inventory.stale.add("group_roles", id, cause, api.serverNow());
  });
};

/** Reads a group's roles, which its members have through the group. */
const readGroupRoles = async (context: SliceContext, entry: StaleEntry): Promise<StepOutcome> => {
  const { inventory, run, api } = context;
  const { id, cause } = entry;
  if (!inventory.groups.has(id)) {
    // Its record comes first. Whatever list shows it later may be behind this.
    return context.commit(() => {
      inventory.stale.done("group_roles", id);
      inventory.stale.add("group", id, cause, api.serverNow());
    }, AGAIN);
  }
  const roles = await api.groupRoles(id);
  if (!roles.ok) {
    const reason = concernsOne(roles.error) ? "failed" : lasting(roles.error, run);
    if (reason === null) return { next: "wait", error: roles.error };
    return settleEntry(context, entry, () => {
      inventory.groups.setRoles(id, { reason }, context.now());
    });
  }
  return settleEntry(context, entry, () => {
    if (inventory.groups.setRoles(id, readingOf(parseRoles(roles.value)), context.now()))
      run.changes[cause] += 1;
  });
};

/** Reads one page of a group's members. */
const readMembers = async (context: StepContext<RefetchCursor>, entry: StaleEntry): Promise<StepOutcome> => {
  const { inventory, run, api } = context;
  const { id, cause } = entry;
  if (!inventory.groups.has(id)) return drop(context, entry); // a list would show its members for a while
  const listing = membersListing(run.kind, id);
  // The cursor may belong to another list.
  if (context.cursor.group !== id) context.move({ group: id, listing, since: api.serverNow() });
  const readFrom = context.cursor.since ?? api.serverNow();
  const givesSecretRoles = inventory.groups.givesUnknownRoles(id);
  const outcome = await listStep(
    context,
    (request) => api.groupUsers(id, request),
    { limit: String(PAGE.members) },
    from(context, entry, (page, number) => {
      if (number === 0) inventory.sweeps.begin(listing);
      const ids = page.records.map(identifierOf).filter((member) => member !== null);
      inventory.sweeps.add(listing, number, ids);
      const asOf = readFrom - INDEX_LAG_MS;
      const added = inventory.memberships.addMembers(id, ids, asOf);
      // A full run may have listed the group since this list began.
      const isNewest = inventory.groups.membersReadUntil(id) <= readFrom;
      const left = page.next === null && isNewest ? inventory.memberships.keepOnly(id, listing, asOf) : [];
      const changed = [...added, ...left];
      run.changes[cause] += changed.length;
      if (givesSecretRoles)
        for (const member of changed) inventory.stale.add("roles", member, cause, readFrom);
      if (page.next !== null) return;
      inventory.sweeps.begin(listing);
      if (isNewest) inventory.groups.setMembersReadUntil(id, readFrom);
      inventory.stale.done("members", id);
    }),
  );
  if (outcome.next === "done") return AGAIN;
  if (outcome.next !== "failed") return outcome;
  if (outcome.error.code === "not_found" && (await isGroupGone(context, id))) {
    return settleEntry(context, entry, () => inventory.groups.remove(id));
  }
  return failedOn(context, entry, outcome.error);
};

const readAgainAll = async (context: StepContext<RefetchCursor>, entry: StaleEntry): Promise<StepOutcome> => {
  const outcome = await readEverybody(context, entry);
  return outcome.next === "failed" ? failedOn(context, entry, outcome.error) : outcome;
};

/** Reads one page of the users with roles. The log has reported a change but not for whom. */
const readAssignees = async (
  context: StepContext<RefetchCursor>,
  entry: StaleEntry,
): Promise<StepOutcome> => {
  const { inventory, run } = context;
  const listing = assigneesListing(run.kind);
  if (context.cursor.group !== listing) context.move({ group: listing, listing, since: context.now() });
  const listedAt = context.cursor.since ?? run.startedAt;
  const outcome = await listAssignees(context, listing);
  if (outcome.next === "failed") {
    // Part of a list says nothing of who has no roles, so nothing follows from it.
    const failed = assigneesFailed(context, outcome);
    if (failed.next !== "done") return failed;
    return settleEntry(context, entry, () => {
      inventory.sweeps.begin(listing);
      context.move({});
    });
  }
  if (outcome.next !== "done") return outcome;
  return settleEntry(context, entry, () => {
    const via = { part: entry.kind, id: entry.id };
    const candidates = inventory.history.as({ via }, () =>
      inventory.admins.setCandidates(listing, listedAt - INDEX_LAG_MS),
    );
    for (const id of candidates) inventory.stale.add("roles", id, entry.cause, context.api.serverNow());
    inventory.history.passOn(via, "roles", candidates);
    // Until now it was not known who has roles.
    inventory.admins.listed(listedAt);
    inventory.sweeps.begin(listing);
    context.move({});
  });
};
