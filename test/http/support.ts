/** An app over fake streams, with settings given by each test. */

import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { vi } from "vitest";
import { consoleRoutes } from "../../src/console/index.tsx";
import type { KnownConnection, RegistryApi } from "../../src/contract/connections.ts";
import type { InventorySummary } from "../../src/contract/inventory-documents.ts";
import type { PosturePoint, StreamPosture } from "../../src/contract/posture.ts";
import type { RunDocument, RunKind, StreamStatus } from "../../src/contract/status.ts";
import type { StoredEvent, StreamApi } from "../../src/contract/stream-api.ts";
import type { StreamName } from "../../src/contract/streams.ts";
import { noCounts } from "../../src/enrichment/counters.ts";
import type { LookupReply } from "../../src/enrichment/lookup-rpc.ts";
import { createApp } from "../../src/http/app.ts";
import { readConfig } from "../../src/http/config.ts";
import type { AppDeps } from "../../src/http/deps.ts";
import type { InventoryApi } from "../../src/inventory/api.ts";
import { ok } from "../../src/lib/result.ts";

/** Keeps log lines out of the test's output. */
export const muteLog = (): void => {
  for (const method of ["log", "warn", "error"] as const)
    vi.spyOn(console, method).mockImplementation(() => {});
};

export const fullKey = "full-key-0123456789-0123456789-0123456789";
export const readKey = "read-key-0123456789-0123456789-0123456789";

export const goodSettings = {
  OKTA_BASE_URL: "https://company.okta.com",
  OKTA_API_TOKEN: "00token",
  API_KEYS: `${fullKey},read:${readKey}`,
};

export const runOf = (kind: RunKind, state: RunDocument["state"] = "running"): RunDocument => ({
  id: "run-1",
  kind,
  cause: "request",
  state,
  phase: "users",
  started_at: "2025-01-15T02:00:00.000Z",
  finished_at: state === "running" ? null : "2025-01-15T02:00:30.000Z",
  progress: state === "running" ? 0.5 : 1,
  eta_seconds: null,
  calls: { made: 3, predicted: 6, by_endpoint: { "GET /api/v1/users": 3 } },
  changes: { log: 0, search: 0, rolling: 0, full: 2, deleted: 0, still_there: 0 },
  error: null,
});

export const statusOf = (connection: string, stream: StreamName): StreamStatus => ({
  connection,
  stream,
  inventory: `inventory-of-${connection}-${stream}`,
  state: "idle",
  detail: null,
  org_id: "00o1",
  attention: [],
  run: null,
  delta: null,
  current_as_of: "2025-01-15T02:00:00.000Z",
  next_delta_at: "2025-01-15T10:15:00.000Z",
  last_hook_at: null,
  last_full: runOf("full", "done"),
  last_delta: null,
  assets: { total: 5, deleted: 1, quarantined: 0, unknown: { factors: 2 } },
  held_deletions: 0,
  head: 7,
  sinks: [
    {
      name: "siem",
      type: "http",
      state: "retrying",
      position: 4,
      lag_events: 3,
      lag_seconds: 60,
      last_error: "503",
      next_try_at: null,
      dead_letters: 1,
    },
  ],
  rate_limits: [
    {
      bucket: "/api/v1/users",
      limit: 600,
      remaining: 420,
      share: 0.5,
      resets_at: null,
      backing_off_until: null,
    },
  ],
});

const eventOf = (sequence: number): StoredEvent => ({
  id: `default/users/u${sequence}/${sequence}`,
  assetId: `u${sequence}`,
  sequence,
  changedAt: 0,
  json: JSON.stringify({ sequence }),
});

const summaryOf = (stream: StreamName): InventorySummary => {
  const frame = { as_of: "2025-01-15T02:00:30.000Z", total: 5, deleted: 1, by_status: { ACTIVE: 5 } };
  return stream === "users"
    ? {
        stream,
        ...frame,
        mfa: { enrolled: 2, not_enrolled: 1, unknown: 2 },
        admins: { total: 1, without_mfa: 0, mfa_unknown: 0, unknown: 0 },
        unknown: { factors: 2 },
      }
    : {
        stream,
        ...frame,
        by_platform: { Windows: 5 },
        by_compliance: { UNKNOWN: 5 },
        by_management: { managed: 4, not_managed: 1, unknown: 0 },
      };
};

const DAY = "2025-01-15";
const pointOf = (stream: StreamName): PosturePoint => ({
  day: DAY,
  at: Date.parse("2025-01-15T02:00:30.000Z"),
  checks:
    stream === "users"
      ? { admin_without_mfa: { count: 1, unknown: 2, excepted: 3, population: 9 } }
      : { device_unmanaged: { count: 4, unknown: 5, excepted: 0, population: 10 } },
});

const postureOf = (stream: StreamName, withTrend: boolean): StreamPosture => {
  const { at, checks } = pointOf(stream);
  return { at, checks, exceptions: [], trend: withTrend ? [pointOf(stream)] : [] };
};

/** A stream of events with the sequence numbers 1 to `head`. */
export const fakeStream = (connection: string, stream: StreamName, head = 7): StreamApi & InventoryApi => ({
  status: async () => statusOf(connection, stream),
  measurements: async () => ({ status: statusOf(connection, stream), posture: pointOf(stream) }),
  posture: async (withTrend) => postureOf(stream, withTrend),
  startRun: async (kind) => ok({ started: true, run: runOf(kind) }),
  cancelRun: async () => ok(runOf("full", "cancelled")),
  orgVerdict: async () => "same",
  linkedUsers: async () => null,
  explained: async () => ({ found: "none" }),
  rolesOf: async () => [],
  reset: async () => ok({ ...runOf("full"), cause: "first" }),
  watch: async () => {},
  runs: async () => [runOf("delta", "done"), runOf("full", "done")],
  confirmDeletions: async () => ok({ confirmed: 2, run: runOf("delta") }),
  heldDeletions: async () => ({ held: 0, known_before: null, since: null, items: [], next: null }),
  events: async ({ after, limit }) => {
    const count = Math.max(0, Math.min(limit, head - after));
    const events = Array.from({ length: count }, (_, index) => eventOf(after + 1 + index));
    return { events, last: after + count, head, inventory: `inventory-of-${connection}-${stream}` };
  },
  event: async (assetId) => (assetId === "u3" ? eventOf(3) : null),
  account: async () => ({ found: "none" }),
  summary: async () => summaryOf(stream),
  search: async () => ({
    results: [],
    groups: [],
    groups_total: 0,
    groups_next: null,
    total: 0,
    next: null,
  }),
  assetDetail: async () => null,
  wake: async () => {},
  hook: async () => {},
  holds: async () => true,
  changes: async ({ after }) => ({
    changes: [],
    last: after,
    head,
    more: false,
    inventory: `inventory-of-${connection}-${stream}`,
  }),
  history: async () => null,
  recentChanges: async () => ({ changes: [], next: null, searched_back_to: null, kept_since: null }),
  pastAccount: async () => ({ found: "none" }),
});

/** A connection that was taken out of the settings. */
export const removedConnection: KnownConnection = {
  id: "acme",
  baseUrl: "https://acme.okta.com",
  firstSeenAt: 0,
  removedAt: 500_000,
  purgingSince: null,
};

/** A registry that knows these connections. */
const fakeRegistry = (known: readonly KnownConnection[] = [removedConnection]): RegistryApi => ({
  reconcile: async () => [],
  noteCalls: async () => {},
  calls: async () => ({ total: [], days: [] }),
  known: async () => known,
  purge: async (id) => {
    const one = known.find((connection) => connection.id === id);
    return one === undefined ? null : { ...one, purgingSince: 1_000_000 };
  },
});

/** Look-ups that find nobody, over a cache that stays empty; a gate that lets everybody through. */
const fakeBindings = {
  OKTA_GATE: { getByName: () => ({ exchange: async () => ({ granted: 1, retryAt: null }) }) },
  ENRICHMENT_CACHE: { get: async () => null, put: async () => {}, delete: async () => {} },
  ACCOUNT_LOOKUP: {
    getByName: () => ({
      lookUp: async (): Promise<LookupReply> => ({
        kind: "found",
        found: { found: "none" },
        at: 1_000_000,
        cached: false,
      }),
      count: async () => {},
      counts: async () => noCounts,
    }),
  },
};

export interface Options extends Partial<Omit<AppDeps, "config">> {
  readonly settings?: object;
  /** Besides those that every app here has. */
  readonly bindings?: Partial<Env>;
}

export const makeApp = ({ settings = goodSettings, bindings = {}, ...deps }: Options = {}) => {
  const config = readConfig(settings);
  const app = createApp(
    {
      config: () => config,
      stream: (_env, connection, stream) => fakeStream(connection, stream),
      registry: () => fakeRegistry(),
      placement: async () => ({ ok: true, value: null }),
      now: () => 1_000_000,
      fetch: async () => new Response(null, { status: 500 }),
      ...deps,
    },
    [consoleRoutes],
  );
  /** `key` null sends no key. */
  const call = async (
    method: string,
    path: string,
    { key = fullKey, body, headers = {} }: CallOptions = {},
  ): Promise<Response> => {
    const init: RequestInit = {
      method,
      headers: {
        ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
    };
    if (body !== undefined) init.body = typeof body === "string" ? body : JSON.stringify(body);
    const ctx = createExecutionContext();
    const response = await app.request(
      `https://connector.example.com${path}`,
      init,
      { ...fakeBindings, ...bindings },
      ctx,
    );
    await waitOnExecutionContext(ctx);
    return response;
  };
  return { app, call };
};

export interface CallOptions {
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Problem {
  readonly code: string;
  readonly status: number;
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  readonly instance: string;
  readonly errors?: readonly { field: string; message: string }[];
  readonly problems?: readonly { setting: string; message: string }[];
}

/** The problem details of an answer, whose shape is part of the contract. */
export const problemOf = async (response: Response): Promise<Problem> => {
  const type = response.headers.get("Content-Type");
  if (type !== "application/problem+json") throw new Error(`not a problem: ${response.status} ${type}`);
  const problem = await response.json<Problem>();
  if (problem.status !== response.status) throw new Error("status differs from the HTTP status");
  if (problem.type !== `/docs#problem-${problem.code}`) throw new Error("type does not lead to the code");
  if (problem.instance !== response.headers.get("X-Request-Id")) throw new Error("instance is not the id");
  return problem;
};

/** Every route that needs a key, and what a full and a read key get. */
export const keyedRoutes: readonly (readonly [string, string, unknown, number, number])[] = [
  ["GET", "/v1/streams", undefined, 200, 200],
  ["GET", "/v1/streams/users", undefined, 200, 200],
  ["GET", "/v1/streams/devices?connection=default", undefined, 200, 200],
  ["GET", "/v1/streams/users/runs", undefined, 200, 200],
  ["POST", "/v1/streams/users/runs", { kind: "full" }, 202, 403],
  ["POST", "/v1/test-connection", {}, 200, 403],
  ["DELETE", "/v1/streams/users/runs/current", undefined, 200, 403],
  ["GET", "/v1/streams/users/deletions", undefined, 200, 200],
  ["POST", "/v1/streams/users/deletions/confirm", undefined, 202, 403],
  ["GET", "/v1/inventory/users", undefined, 200, 200],
  ["GET", "/v1/inventory/users/summary", undefined, 200, 200],
  ["GET", "/v1/inventory/devices/search?q=mary", undefined, 200, 200],
  ["GET", "/v1/inventory/users/u3", undefined, 200, 200],
  ["GET", "/v1/enrichments/accounts/mary", undefined, 200, 200],
  ["POST", "/v1/enrichments", { accounts: ["mary"] }, 200, 200],
  ["POST", "/v1/malice-rules/evaluate", { rules: { conditions: [] }, account: "mary" }, 200, 200],
  ["GET", "/v1/connections", undefined, 200, 200],
  ["GET", "/v1/connections/default", undefined, 200, 200],
  ["GET", "/v1/connections/acme", undefined, 200, 200],
  ["DELETE", "/v1/connections/acme", undefined, 202, 403],
  // No sink is configured: a key opens the door, and behind it is nothing.
  ["POST", "/v1/streams/users/sinks/siem/replay", { after: 0 }, 404, 403],
  ["GET", "/v1/streams/users/sinks/siem/dead-letters", undefined, 404, 404],
  ["POST", "/v1/streams/users/sinks/siem/dead-letters", { action: "retry" }, 404, 403],
  ["GET", "/metrics", undefined, 200, 200],
];

/** A body as text, whatever its type says. */
export const textOf = async (response: Response): Promise<string> =>
  new TextDecoder().decode(await response.arrayBuffer());
