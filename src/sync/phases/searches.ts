/** What Okta's searches by time say has changed: profiles and status, and groups. */
import { SAME_CHANGE_MS } from "../../inventory/stale.ts";
import { type OktaGroup, parseAll, parseDevice, parseGroup, parseUser } from "../../okta/records.ts";
import { PAGE } from "../../streams/plan.ts";
import {
  AGAIN,
  DONE,
  lasting,
  listStep,
  type Phase,
  type StepContext,
  type StepOutcome,
  SUPERSEDED,
} from "../step.ts";
import { fileUsers } from "./users.ts";

/** Until when each search has looked, ms by Okta's clock. */
export interface Watermarks {
  readonly searchedAt: number;
}

/** Searches see a change late: each looks this far back over what the one before has seen. */
const OVERLAP_MS = 2 * 60_000;

export const searchesPhase: Phase = async (context) => {
  const { inventory, run, stream, api } = context;
  const { part, since = api.serverNow() } = run.cursor;
  if (part === undefined) {
    const committed = context.commit(() => {
      run.cursor = { part: stream, since };
    });
    return committed ? AGAIN : SUPERSEDED;
  }
  const watermark = inventory.meta.get<"watermarks", Watermarks>("watermarks")?.searchedAt ?? run.startedAt;
  const from = new Date(watermark - OVERLAP_MS).toISOString();
  const outcome = await search(context, part, from);
  if (outcome.next === "failed") {
    const refused = outcome.error.code === "bad_request";
    if (!refused && lasting(outcome.error, run) === null) return { next: "wait", error: outcome.error };
    // A search that Okta does not take or allow is left to the next full run; the others go on.
    return goOn(context, refused && part === "groups" ? "memberships" : nextPart(part), since);
  }
  return outcome.next === "done" ? goOn(context, nextPart(part), since) : outcome;
};

/** The searches of the users stream, and of the devices stream. */
const nextPart = (part: string): string | null => (part === "users" ? "groups" : null);

const goOn = (context: StepContext, part: string | null, since: number): StepOutcome => {
  const { inventory, run } = context;
  const committed = context.commit(() => {
    if (part === null) inventory.meta.set("watermarks", { searchedAt: since } satisfies Watermarks);
    else run.cursor = { part, since };
  });
  if (!committed) return SUPERSEDED;
  return part === null ? DONE : AGAIN;
};

const search = (context: StepContext, part: string, from: string): ReturnType<typeof listStep> => {
  const { api, inventory, run } = context;
  if (part === "users") {
    const query = { search: `lastUpdated gt "${from}"`, limit: String(PAGE.users) };
    return listStep(
      context,
      (request) => api.users(request),
      query,
      ({ records }) => {
        const users = parseAll(records, parseUser);
        for (const bad of users.quarantined) inventory.quarantine.add(bad, "users/search");
        run.changes.search += fileUsers(context, users.records, "search");
      },
    );
  }
  if (part === "devices") {
    const query = { search: `lastUpdated gt "${from}"`, limit: String(PAGE.devices), expand: "userSummary" };
    return listStep(
      context,
      (request) => api.devices(request),
      query,
      ({ records }) => {
        const devices = parseAll(records, parseDevice);
        for (const bad of devices.quarantined) inventory.quarantine.add(bad, "devices/search");
        run.changes.search += inventory.assets.file(devices.records).size;
        for (const { id, lastUpdated } of devices.records) {
          if (lastUpdated !== null) inventory.stale.doneUntil("device", id, Date.parse(lastUpdated));
        }
      },
    );
  }
  const memberships = `lastMembershipUpdated gt "${from}"`;
  const query = {
    search: part === "groups" ? `${memberships} or lastUpdated gt "${from}"` : memberships,
    limit: String(PAGE.groups),
    expand: "stats",
  };
  return listStep(
    context,
    (request) => api.groups(request),
    query,
    ({ records }) => {
      for (const group of parseAll(records, parseGroup).records) fileGroup(context, group);
    },
  );
};

/** A changed group: its record is at hand; its members are listed again unless the log has told of the change. */
export const fileGroup = ({ inventory, run }: StepContext, group: OktaGroup): void => {
  const { groups, memberships, stale, meta } = inventory;
  const before = groups.hasRoles(group.id);
  groups.file(group);
  if (group.lastUpdated !== null) stale.doneUntil("group", group.id, Date.parse(group.lastUpdated));
  if (before !== groups.hasRoles(group.id)) stale.add("group_roles", group.id, "search", run.startedAt);
  if (group.id === groups.everyoneId() || group.lastMembershipUpdated === null) return;
  const changedAt = Date.parse(group.lastMembershipUpdated);
  const knownAt = Math.max(
    memberships.newestEventOf(group.id) + SAME_CHANGE_MS,
    groups.membersReadUntil(group.id),
  );
  const orgKnownAt = meta.get("groups")?.at ?? 0;
  if (changedAt > Math.max(knownAt, orgKnownAt)) stale.add("members", group.id, "search", changedAt);
};
