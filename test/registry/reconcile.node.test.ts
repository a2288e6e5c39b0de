/** What follows from the settings for known connections, and how they are shown. */
import { describe, expect, test } from "vitest";
import type { KnownConnection, NamedConnections } from "../../src/contract/connections.ts";
import { connectionDocuments } from "../../src/registry/documents.ts";
import { type Change, changesOf } from "../../src/registry/reconcile.ts";

const DAY_MS = 86_400_000;
const NOW = 100 * DAY_MS;
const URL_A = "https://a.okta.com";

const known = (over: Partial<KnownConnection> = {}): KnownConnection => ({
  id: "a",
  baseUrl: URL_A,
  firstSeenAt: 0,
  removedAt: null,
  purgingSince: null,
  ...over,
});

const active = known();
const removedFor = (ms: number): KnownConnection => known({ removedAt: NOW - ms });
const deleting = known({ removedAt: NOW - 7 * DAY_MS, purgingSince: NOW - 1 });

const named = (baseUrl: string | null, complete = true): NamedConnections => ({
  named: [["a", baseUrl]],
  complete,
});
const absent: NamedConnections = { named: [], complete: true };
const unreadable: NamedConnections = { named: [], complete: false };

describe("a connection", () => {
  test.each<[string, KnownConnection[], NamedConnections, Change[]]>([
    ["that is new", [], named(URL_A), [{ kind: "new", id: "a", baseUrl: URL_A }]],
    ["that is new and wrong", [], named(null), [{ kind: "new", id: "a", baseUrl: null }]],
    [
      "that is new beside an entry that cannot be read",
      [],
      named(URL_A, false),
      [{ kind: "new", id: "a", baseUrl: URL_A }],
    ],
    ["that is as before", [active], named(URL_A), []],
    [
      "with another base URL",
      [active],
      named("https://b.okta.com"),
      [{ kind: "moved", id: "a", baseUrl: "https://b.okta.com" }],
    ],
    ["whose base URL cannot be read", [active], named(null), []],
    ["that is gone", [active], absent, [{ kind: "removed", id: "a" }]],
    ["that may be in an entry that cannot be read", [active], unreadable, []],
    ["that has just gone", [removedFor(0)], absent, []],
    ["that has been gone for almost 7 days", [removedFor(7 * DAY_MS - 1)], absent, []],
    ["that has been gone for 7 days", [removedFor(7 * DAY_MS)], absent, [{ kind: "due", id: "a" }]],
    ["that has been gone for a month", [removedFor(30 * DAY_MS)], absent, [{ kind: "due", id: "a" }]],
    ["that is due while the settings cannot be read", [removedFor(30 * DAY_MS)], unreadable, []],
    ["that is back", [removedFor(DAY_MS)], named(URL_A), [{ kind: "returned", id: "a" }]],
    [
      "that is back at the last moment",
      [removedFor(30 * DAY_MS)],
      named(null),
      [{ kind: "returned", id: "a" }],
    ],
    [
      "that is back beside an entry that cannot be read",
      [removedFor(DAY_MS)],
      named(URL_A, false),
      [{ kind: "returned", id: "a" }],
    ],
    ["that is being purged", [deleting], absent, []],
    ["that is back while it is purged", [deleting], named("https://b.okta.com"), []],
    ["that was removed by a clock ahead of ours", [removedFor(-DAY_MS)], absent, []],
  ])("%s", (_, before, seen, changes) => {
    expect(changesOf(before, seen, NOW)).toEqual(changes);
  });

  test("is judged by itself", () => {
    const others = [known({ id: "b" }), known({ id: "c", removedAt: 0 }), known({ id: "d" })];
    const seen: NamedConnections = {
      named: [
        ["b", URL_A],
        ["e", null],
      ],
      complete: true,
    };
    expect(changesOf(others, seen, NOW)).toEqual([
      { kind: "new", id: "e", baseUrl: null },
      { kind: "due", id: "c" },
      { kind: "removed", id: "d" },
    ]);
  });
});

describe("the document of a connection", () => {
  const iso = (ms: number): string => new Date(ms).toISOString();

  test.each<[string, KnownConnection[], NamedConnections, object | null]>([
    [
      "that no cron has seen yet",
      [],
      named(URL_A),
      { state: "active", base_url: URL_A, removed_at: null, purge_at: null },
    ],
    ["that is wrong", [active], named(null), { state: "active", base_url: null }],
    [
      "that is back, which no cron has seen yet",
      [removedFor(DAY_MS)],
      named(URL_A),
      { state: "active", removed_at: null, purge_at: null },
    ],
    [
      "that is gone, which no cron has seen yet",
      [active],
      absent,
      { state: "removed", removed_at: null, purge_at: null },
    ],
    ["that may be in an entry that cannot be read", [active], unreadable, { state: "active" }],
    [
      "that is gone",
      [removedFor(DAY_MS)],
      absent,
      { state: "removed", base_url: URL_A, removed_at: iso(NOW - DAY_MS), purge_at: iso(NOW + 6 * DAY_MS) },
    ],
    [
      "that was gone before the settings could not be read",
      [removedFor(DAY_MS)],
      unreadable,
      { state: "removed" },
    ],
    [
      "that is being purged",
      [deleting],
      absent,
      { state: "deleting", removed_at: iso(NOW - 7 * DAY_MS), purge_at: iso(NOW - 1) },
    ],
    ["that is back while it is purged", [deleting], named(URL_A), { state: "deleting" }],
  ])("%s", (_, before, seen, document) => {
    expect(connectionDocuments(seen, before)).toMatchObject([{ id: "a", source: "settings", ...document }]);
  });

  test("comes after those of the settings when it is gone", () => {
    const seen: NamedConnections = {
      named: [
        ["z", null],
        ["b", null],
      ],
      complete: true,
    };
    const all = connectionDocuments(
      seen,
      ["a", "b", "c", "z"].map((id) => known({ id })),
    );
    expect(all.map(({ id }) => id)).toEqual(["z", "b", "a", "c"]);
  });
});
