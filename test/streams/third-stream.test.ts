/**
 * A third stream that needs nothing but a definition: the org's groups as assets. The engine that reads, follows,
 * searches and exports users and devices does all of this for groups, too.
 */
import { reset } from "cloudflare:test";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DeviceSummary, FoundDevice } from "../../src/contract/inventory-documents.ts";
import { ok, type Result } from "../../src/lib/result.ts";
import { type BadRecord, parseAll, parseGroup } from "../../src/okta/records.ts";
import type { AssetRecord, ReadList, StreamDefinition } from "../../src/streams/definition.ts";
import type { Stream } from "../../src/sync/stream.ts";
import { withStream } from "../support/lent-stream.ts";
import { createOrg, type TestOrg } from "../support/org.ts";

const CONNECTION = "t6";

/** A group in the shape of an asset. The search index finds it by its display name. */
interface TeamRecord extends AssetRecord {
  readonly status: string;
  readonly profile: { readonly displayName: string | null };
}

const list: ReadList = (api, request) => api.groups(request);

const parse = (raw: unknown): Result<TeamRecord, BadRecord> => {
  const group = parseGroup(raw);
  if (!group.ok) return group;
  const { id, lastUpdated, name } = group.value;
  return ok({ id, lastUpdated, status: "ACTIVE", profile: { displayName: name } });
};

const file: StreamDefinition<TeamRecord>["store"]["file"] = (inventory, records, { now }) => {
  for (const { id, lastUpdated } of records) inventory.stale.doneUntil("asset", id, lastUpdated, now);
  return inventory.assets.file(records).changed.size;
};

/** A new stream would have documents of its own; this one borrows those of devices. */
const found = (id: string, name: string | null, status: string, deleted: boolean): FoundDevice => ({
  stream: "devices",
  id,
  name,
  status,
  deleted,
  platform: "none",
  os_version: null,
  model: null,
  serial_number: null,
  is_managed: null,
  compliance_status: "UNKNOWN",
  last_seen: null,
  created: null,
  changed_at: "2025-01-15T02:00:00.000Z",
  users: [],
});

const teams: StreamDefinition<TeamRecord, TeamRecord> = {
  name: "teams",
  areAccounts: false,
  words: { title: "Teams", foundTitle: "Teams", one: "team", many: "teams" },
  source: {
    list,
    listQuery: { limit: "200" },
    parse,
    async one(api, _inventory, id) {
      const record = await api.group(id);
      if (record.ok) return ok(parse(record.value));
      return record.error.code === "not_found" ? ok(null) : record;
    },
    searches: [
      {
        name: "teams",
        read: list,
        query: (from) => ({ search: `lastUpdated gt "${from}"`, limit: "200" }),
        file: (inventory, records, { now }) =>
          file(inventory, parseAll(records, parse).records, { now, cause: "search" }),
      },
    ],
    logRules: {
      "group.lifecycle.create": { target: "UserGroup", kind: "asset" },
      "group.profile.update": { target: "UserGroup", kind: "asset" },
      "group.lifecycle.delete": { deletedAsset: "UserGroup" },
    },
  },
  run: {
    fullPhases: () => ["log", "teams", "refetch", "deletions"],
    deltaPhases: ["log", "searches", "refetch", "deletions"],
    predict: () => null,
  },
  store: {
    file,
    reader: (inventory) => inventory.records((team: TeamRecord) => team),
    unknownFacts: () => ({}),
  },
  mapping: 1,
  changeFields: () => [],
  partsWith: () => ["asset"],
  event: ({ id, profile }, { sequence, deletedAt }) => ({
    team: id,
    name: profile.displayName,
    sequence,
    deleted: deletedAt !== null,
  }),
  explore: {
    found: ({ id, facts, deletedAt }) =>
      found(id, facts.profile.displayName, facts.status, deletedAt !== null),
    exact: (inventory, text) => (inventory.assets.exists(text) ? [text] : []),
    filters: {},
    checks: {},
    groups: false,
    summarize: ({ inventory, now }): DeviceSummary => ({
      stream: "devices",
      as_of: new Date(now).toISOString(),
      ...inventory.assets.counts(),
      by_status: {},
      by_platform: {},
      by_compliance: {},
      by_management: { managed: 0, not_managed: 0, unknown: 0 },
    }),
  },
  page: ({ id, profile }) => ({
    name: profile.displayName ?? id,
    noun: "Team",
    facts: [["Okta id", { as: "code", text: id }]],
    sections: [],
    lookUp: null,
  }),
};

let org: TestOrg;
beforeEach(async () => {
  org = await createOrg(CONNECTION, { users: 10, groups: 7, devices: 0 });
});
afterEach(() => reset());

const run = async (stream: Stream, kind: "full" | "delta"): Promise<void> => {
  const started = await stream.startRun(kind);
  expect(started.ok && started.value.started).toBe(true);
  for (let slice = 0; slice < 50 && (await stream.status()).run !== null; slice++) await stream.alarm();
  const [last] = stream.runs();
  expect(last).toMatchObject({ state: "done", error: null });
};

/** The names of the org's groups by id. */
const groupsOfOrg = async (): Promise<Map<string, string>> => {
  const { groups } = await org.dump();
  return new Map(groups.map(({ id, profile }) => [String(id), String(Reflect.get(Object(profile), "name"))]));
};

const exported = (stream: Stream, after = 0) =>
  stream.events.page({ after, limit: 1000, dialect: "ocsf" }).events.map(({ json }) => JSON.parse(json));

const named = (stream: Stream): Map<string, string> =>
  new Map(
    exported(stream)
      .filter(({ deleted }) => !deleted)
      .map(({ team, name }) => [team, name]),
  );

test("has full runs, changes from the log, deletions, search, totals and export", () =>
  withStream({ connection: CONNECTION, stream: "devices", definition: teams }, async (stream) => {
    await run(stream, "full");
    const before = await groupsOfOrg();
    expect(before.size).toBeGreaterThan(5);
    expect(named(stream)).toEqual(before);
    expect((await stream.status()).assets).toMatchObject({ total: before.size, deleted: 0 });

    const [renamed, removed] = [...before.keys()].filter((id) => before.get(id) !== "Everyone");
    const { head } = stream.events.page({ after: 0, limit: 1, dialect: "ocsf" });
    await org.change("PATCH", `/groups/${renamed}`, { profile: { name: "Quokka keepers" } });
    await org.change("DELETE", `/groups/${removed}`);
    const made = await org.change<{ id: string }>("POST", "/groups", {
      profile: { name: "Wombats" },
      members: [],
    });
    await run(stream, "delta");
    expect(named(stream)).toEqual(await groupsOfOrg());
    expect(
      exported(stream, head)
        .map(({ team }) => team)
        .sort(),
    ).toEqual([renamed, removed, made.id].sort());

    const search = (q: string) => stream.explorer.search({ q, after: 0, limit: 10 }, []).results;
    expect(search("quokka").map(({ id }) => id)).toEqual([renamed]);
    expect(search("wombats").map(({ id }) => id)).toEqual([made.id]);
    // A filter that the stream does not have matches nothing.
    expect(stream.explorer.search({ admin: true, after: 0, limit: 10 }, []).results).toEqual([]);
    expect(stream.explorer.summary([])).toMatchObject({ total: before.size, deleted: 1 });
    const detail = stream.explorer.detail("devices", made.id, stream.events);
    expect(detail).toMatchObject({ id: made.id, facts: { profile: { displayName: "Wombats" } } });
  }));

test("a rule that a new version adds applies to what has happened since the last poll", async () => {
  const { "group.lifecycle.delete": _, ...fewer } = teams.source.logRules;
  const before = { ...teams, source: { ...teams.source, logRules: fewer } };
  const place = { connection: CONNECTION, stream: "devices" } as const;
  const [removed] = [...(await groupsOfOrg())].flatMap(([id, name]) => (name === "Everyone" ? [] : [id]));
  await withStream({ ...place, definition: before }, async (stream) => {
    await run(stream, "full");
    await org.change("DELETE", `/groups/${removed}`);
  });
  await withStream({ ...place, definition: teams }, async (stream) => {
    expect(named(stream).has(String(removed))).toBe(true);
    await run(stream, "delta");
    expect(named(stream)).toEqual(await groupsOfOrg());
    // From then on, the new cursor is followed.
    await org.resetStats();
    await run(stream, "delta");
    expect((await org.stats()).calls).toMatchObject({ "GET /api/v1/logs": 1 });
  });
});
