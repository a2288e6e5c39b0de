/** Reads again just what changed, of just what changed. */
import type { StaleEntry, StaleKind } from "../../inventory/stale.ts";
import { ok, type Result } from "../../lib/result.ts";
import type { OktaError, OktaErrorCode } from "../../okta/errors.ts";
import {
  identifierOf,
  parseAll,
  parseDevice,
  parseGroup,
  parseRoles,
  parseUser,
} from "../../okta/records.ts";
import { PAGE } from "../../streams/plan.ts";
import {
  AGAIN,
  DONE,
  forEachAsset,
  lasting,
  listStep,
  type Phase,
  readingOf,
  type StepContext,
  type StepOutcome,
  SUPERSEDED,
} from "../step.ts";
import { readFactors } from "./factors.ts";
import { isGroupGone } from "./groups.ts";
import { assigneesPhase, readRoles } from "./roles.ts";
import { readUserGroups } from "./user-groups.ts";
import { fileUsers } from "./users.ts";

/** Groups first: what they give decides whose roles are read; users before their facts. */
const ORDER: readonly StaleKind[] = [
  "group",
  "group_roles",
  "members",
  "user",
  "assignees",
  "user_groups",
  "roles",
  "factors",
  "device",
];
const BATCH = 100;

export const refetchPhase: Phase = async (context) => {
  const { stale } = context.inventory;
  for (const kind of ORDER) {
    const entries = stale.next(kind, BATCH);
    const [first] = entries;
    if (first === undefined) continue;
    if (kind === "members") return readMembers(context, first);
    if (kind === "assignees") return readAssignees(context, first);
    const byId = new Map(entries.map((entry) => [entry.id, entry]));
    return forEachAsset(context, [...byId.keys()], (id) => readAgain(context, byId.get(id) ?? first));
  }
  return DONE;
};

const readAgain = (context: StepContext, entry: StaleEntry): Promise<StepOutcome> => {
  const { inventory, run } = context;
  const { kind, id, cause } = entry;
  const stored = (changed: boolean): void => {
    inventory.stale.done(kind, id);
    if (changed) run.changes[cause] += 1;
  };
  // Facts of people whom the inventory does not know belong to nobody yet; their account comes with its own.
  const known = inventory.assets.exists(id);
  switch (kind) {
    case "factors":
      return known ? readFactors(context, id, stored) : drop(context, entry);
    case "roles":
      return known ? readRoles(context, id, stored) : drop(context, entry);
    case "user_groups":
      return known ? readUserGroups(context, id, stored) : drop(context, entry);
    case "group":
      return readGroup(context, entry);
    case "group_roles":
      return readGroupRoles(context, entry);
    case "device":
      return readDevice(context, entry);
    default:
      return readUser(context, entry);
  }
};

const drop = async (context: StepContext, { kind, id }: StaleEntry): Promise<StepOutcome> =>
  context.commit(() => context.inventory.stale.done(kind, id)) ? AGAIN : SUPERSEDED;

/** Refusals that waiting does not mend. */
const hopeless: ReadonlySet<OktaErrorCode> = new Set([
  "bad_request",
  "not_found",
  "too_large",
  "foreign_origin",
]);

/** A failure that waiting may mend is waited for; another one costs its own entry, which a full run makes up for. */
const failedOn = (
  context: StepContext,
  entry: StaleEntry,
  error: OktaError,
): Promise<StepOutcome> | StepOutcome =>
  hopeless.has(error.code) || lasting(error, context.run) !== null
    ? drop(context, entry)
    : { next: "wait", error };

const readUser = async (context: StepContext, entry: StaleEntry): Promise<StepOutcome> => {
  const { inventory, run, api } = context;
  const { id, cause } = entry;
  const record = await api.user(id);
  if (!record.ok && record.error.code !== "not_found") return failedOn(context, entry, record.error);
  const committed = context.commit(() => {
    inventory.stale.done("user", id);
    if (!record.ok) {
      if (inventory.bury(id, "users")) run.changes.deleted += 1;
      return;
    }
    const user = parseUser(record.value);
    if (user.ok) run.changes[cause] += fileUsers(context, [user.value], cause);
    else inventory.quarantine.add(user.error, `users/${id}`);
  });
  return committed ? AGAIN : SUPERSEDED;
};

const readGroup = async (context: StepContext, entry: StaleEntry): Promise<StepOutcome> => {
  const { inventory, api } = context;
  const record = await api.group(entry.id);
  if (!record.ok && record.error.code !== "not_found") return failedOn(context, entry, record.error);
  const committed = context.commit(() => {
    inventory.stale.done("group", entry.id);
    if (!record.ok) inventory.groups.remove(entry.id);
    else for (const group of parseAll([record.value], parseGroup).records) inventory.groups.file(group);
    if (inventory.groups.rolesUnheardOf(entry.id)) {
      inventory.stale.add("group_roles", entry.id, entry.cause, context.run.startedAt);
    }
  });
  return committed ? AGAIN : SUPERSEDED;
};

/** A group's roles, and then those of its members, who have them through it. */
const readGroupRoles = async (context: StepContext, entry: StaleEntry): Promise<StepOutcome> => {
  const { inventory, api } = context;
  const roles = await api.groupRoles(entry.id);
  if (!roles.ok) {
    const reason = roles.error.code === "not_found" ? "failed" : lasting(roles.error, context.run);
    if (reason === null) return { next: "wait", error: roles.error };
    const refused = () => {
      inventory.stale.done("group_roles", entry.id);
      inventory.groups.setRoles(entry.id, { reason }, context.now());
    };
    return context.commit(refused) ? AGAIN : SUPERSEDED;
  }
  const committed = context.commit(() => {
    inventory.stale.done("group_roles", entry.id);
    inventory.groups.setRoles(entry.id, readingOf(parseRoles(roles.value)), context.now());
    const members =
      entry.id === inventory.groups.everyoneId()
        ? inventory.assets.livingIds()
        : inventory.memberships.membersOf(entry.id);
    for (const id of members) inventory.stale.add("roles", id, entry.cause, context.run.startedAt);
  });
  return committed ? AGAIN : SUPERSEDED;
};

/** All members of one group, page by page. */
const readMembers = async (context: StepContext, entry: StaleEntry): Promise<StepOutcome> => {
  const { inventory, run, api } = context;
  const { id, cause } = entry;
  const listing = `members/${id}`;
  // A cursor that belongs to another list would lead astray.
  if (run.cursor.group !== id) run.cursor = { group: id, since: api.serverNow() };
  const readFrom = run.cursor.since ?? api.serverNow();
  const givesRoles = inventory.groups.hasRoles(id);
  const outcome = await listStep(
    context,
    (request) => api.groupUsers(id, request),
    { limit: String(PAGE.members) },
    (page, number) => {
      if (number === 0) inventory.sweeps.begin(listing);
      const ids = page.records.map(identifierOf).filter((member) => member !== null);
      inventory.sweeps.add(listing, number, ids);
      const added = inventory.memberships.addMembers(id, ids);
      run.changes[cause] += added.length;
      const left = page.next === null ? inventory.memberships.keepOnly(id, listing) : [];
      run.changes[cause] += left.length;
      if (givesRoles)
        for (const member of [...added, ...left]) inventory.stale.add("roles", member, cause, readFrom);
      if (page.next !== null) return;
      inventory.sweeps.begin(listing);
      inventory.groups.setMembersReadUntil(id, readFrom);
      inventory.stale.done("members", id);
    },
  );
  if (outcome.next === "done") return AGAIN;
  if (outcome.next !== "failed") return outcome;
  if (outcome.error.code === "not_found" && (await isGroupGone(context, id))) {
    const committed = context.commit(() => {
      inventory.groups.remove(id);
      inventory.stale.done("members", id);
    });
    return committed ? AGAIN : SUPERSEDED;
  }
  return failedOn(context, entry, outcome.error);
};

/** The list of people with roles, when the log said that it changed but not for whom. */
const readAssignees = async (context: StepContext, entry: StaleEntry): Promise<StepOutcome> => {
  const { inventory, run } = context;
  if (run.cursor.group !== "assignees") run.cursor = { group: "assignees" };
  const outcome = await assigneesPhase(context);
  if (outcome.next !== "done") return outcome;
  const committed = context.commit(() => {
    for (const id of inventory.admins.setCandidates("assignees", inventory.groups.everyoneHasRoles())) {
      inventory.stale.add("roles", id, entry.cause, run.startedAt);
    }
    inventory.sweeps.begin("assignees");
    inventory.stale.done("assignees", entry.id);
    run.cursor = {};
  });
  return committed ? AGAIN : SUPERSEDED;
};

/** A device and the people linked to it. */
const readDevice = async (context: StepContext, entry: StaleEntry): Promise<StepOutcome> => {
  const { inventory, run, api } = context;
  const { id, cause } = entry;
  const record = await api.device(id);
  if (!record.ok && record.error.code !== "not_found") return failedOn(context, entry, record.error);
  const users = record.ok ? await linkedUsers(context, id) : null;
  if (users !== null && !users.ok) return failedOn(context, entry, users.error);
  const committed = context.commit(() => {
    inventory.stale.done("device", id);
    if (!record.ok) {
      if (inventory.bury(id, "devices")) run.changes.deleted += 1;
      return;
    }
    const whole = { ...asObject(record.value), _embedded: { users: users?.value ?? [] } };
    const device = parseDevice(whole);
    // Links that cannot be read are not gone: those that are known stay.
    const known = users?.value === null ? (inventory.device(id)?.facts.device.users ?? []) : null;
    if (device.ok) {
      const filed = known === null ? device.value : { ...device.value, users: known };
      run.changes[cause] += inventory.assets.file([filed]).size;
    }
    if (!device.ok) inventory.quarantine.add(device.error, `devices/${id}`);
  });
  return committed ? AGAIN : SUPERSEDED;
};

/**
 * The people linked to a device. The by-id record does not name them; its list of users is in Okta's reference but
 * not everywhere, and then a search for the id, which may lag a little, has to do.
 */
const linkedUsers = async (
  { api }: StepContext,
  id: string,
): Promise<Result<readonly unknown[] | null, OktaError>> => {
  const users = await api.deviceUsers(id);
  if (users.ok || !hopeless.has(users.error.code)) return users;
  const found = await api.devices({ query: { search: `id eq "${id}"`, expand: "userSummary", limit: "1" } });
  if (!found.ok) return hopeless.has(found.error.code) ? ok(null) : found;
  const embedded: unknown = Reflect.get(asObject(found.value.records[0]), "_embedded");
  const links: unknown = Reflect.get(asObject(embedded), "users");
  return ok(Array.isArray(links) ? links : null);
};

const asObject = (value: unknown): object => (typeof value === "object" && value !== null ? value : {});
