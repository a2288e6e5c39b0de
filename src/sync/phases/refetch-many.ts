/** Stale entries that stand for many: the assets that they are about are queued, or read as a list. */
import type { StaleEntry } from "../../inventory/stale-kinds.ts";
import type { OktaError } from "../../okta/errors.ts";
import { parseAll, parseDeviceUsers } from "../../okta/records.ts";
import type { ListWay } from "../../streams/definition.ts";
import { isHolder } from "../../streams/log-effects.ts";
import type { RefetchCursor } from "../cursors.ts";
import { projected } from "../projection.ts";
import {
  AGAIN,
  type ListOutcome,
  listStep,
  type SliceContext,
  type StepContext,
  type StepOutcome,
} from "../step.ts";

/** Queues the roles of all who have a custom role, and of all groups that give one: a call each. */
export const queueCustomRoles = (context: SliceContext, { id, cause }: StaleEntry): StepOutcome => {
  const { admins, groups, history, stale } = context.inventory;
  return context.commit(() => {
    const since = context.api.serverNow();
    const [givers, holders] = [groups.givingCustomRoles(), admins.customHolders()];
    for (const group of givers) stale.add("group_roles", group, cause, since);
    for (const user of holders) stale.add("roles", user, cause, since);
    history.passOn({ part: "custom_roles", id }, "group_roles", givers);
    history.passOn({ part: "custom_roles", id }, "roles", holders);
    stale.done("custom_roles", id);
  }, AGAIN);
};

/** Queues the factors of those who have factors of these types: a call each. Looks at 1,000 users in a step. */
export const queueHolders = (context: StepContext<RefetchCursor>, { id, cause }: StaleEntry): StepOutcome => {
  const { factors, history, stale } = context.inventory;
  const { cursor } = context;
  const group = `factor_holders/${id}`;
  const users = factors.typesAfter(cursor.group === group ? (cursor.after ?? 0) : 0);
  const last = users.at(-1);
  return context.commit(() => {
    const since = context.api.serverNow();
    const holders = users.filter(({ types }) => isHolder(id, types)).map((user) => user.id);
    for (const user of holders) stale.add("factors", user, cause, since);
    history.passOn({ part: "factor_holders", id }, "factors", holders);
    if (last === undefined) {
      stale.done("factor_holders", id);
    }
    context.move(last === undefined ? {} : { group, after: last.number });
  }, AGAIN);
};

/**
 * Queues the factors of the people of a device: those whom the devices stream knows, which costs no call, or else those
 * whom Okta names. Of a device that neither knows any more, nothing follows.
 * @param failedOn what follows from a failure of Okta's
 */
export const queuePeopleOf = async (
  context: SliceContext,
  entry: StaleEntry,
  failedOn: (context: SliceContext, entry: StaleEntry, error: OktaError) => StepOutcome,
): Promise<StepOutcome> => {
  const { inventory, api } = context;
  const { id, cause } = entry;
  let people = await context.peopleOf(id);
  if (people === null) {
    const answer = await api.deviceUsers(id);
    if (!answer.ok) return failedOn(context, entry, answer.error);
    people = parseDeviceUsers(answer.value).map((user) => user.id);
  }
  const users = people;
  return context.commit(() => {
    for (const user of users) inventory.stale.add("factors", user, cause, api.serverNow());
    inventory.history.passOn({ part: "device_people", id }, "factors", users);
    inventory.stale.done("device_people", id);
  }, AGAIN);
};

/** Reads one page of everybody's records: a call for 200 of them. */
export const readEverybody = async (
  context: StepContext<RefetchCursor>,
  { id, cause }: StaleEntry,
): Promise<ListOutcome> => {
  const { definition, connection, inventory, run, api } = context;
  const { source, store } = definition;
  const listing = `everybody/${run.kind}`;
  if (context.cursor.group !== listing) context.move({ group: listing });
  const ways: readonly ListWay[] = [[{ query: () => source.listQuery }], ...(source.otherWays ?? [])];
  const outcome = await listStep(
    context,
    projected(context, source.fields, (request) => source.list(api, request)),
    ways,
    ({ records }, _, listedAt) => {
      const read = parseAll(records, (record) => source.parse(record, connection.profileAttributes));
      for (const bad of read.quarantined) inventory.quarantine.add(bad, listing);
      const filing = { now: api.serverNow(), listedAt, cause };
      const scope = { source: cause, via: { part: "everybody", id } } as const;
      run.changes[cause] += inventory.history.as(scope, () => store.file(inventory, read.records, filing));
    },
  );
  if (outcome.next !== "done") return outcome;
  return context.commit(() => {
    inventory.stale.done("everybody", id);
    context.move({});
  }, AGAIN);
};
