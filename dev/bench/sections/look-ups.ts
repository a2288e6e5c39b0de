/**
 * Cached look-ups, compared with a bare Hono route that reads the same payload from KV; and uncached look-ups, compared
 * with fetching and parsing their Okta calls alone. Both sides take turns in one runtime.
 */
import { type ServedOrg, serveOrg } from "../lib/org.ts";
import type { Report } from "../lib/report.ts";
import { assertDone, BenchWorker } from "../lib/runtime.ts";
import { grouped, quantile, timeOf } from "../lib/statistics.ts";

/** A cached look-up may take at most this many times as long as the bare route: half of them, and all but one in 100. */
const CACHED_GOALS = { p50: 1.3, p99: 1.5 };
/** A call of a tool may take at most this many times as long as the same question by the API's route: half of them. */
const TOOL_GOAL = 1.5;
/** The latency of each Okta call for uncached look-ups, as over a network. */
const LATENCY_MS = 50;
const AT_ONCE = 16;
const WARM_UP = 300;
const BARE = "/bench/kv/payload";

export interface LookupRounds {
  readonly cached: number;
  readonly cold: number;
}

const pathOf = (account: string): string => `/v1/enrichments/accounts/${encodeURIComponent(account)}`;

const get = async (worker: BenchWorker, path: string): Promise<void> => {
  await (await worker.request("GET", path)).arrayBuffer();
};

/** Requests per second with this many always in progress. */
const rateOf = async (worker: BenchWorker, path: string, requests: number): Promise<number> => {
  let left = requests;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await get(worker, path);
    }
  };
  return (requests * 1000) / (await timeOf(() => Promise.all(Array.from({ length: AT_ONCE }, lane))));
};

/** A look-up finds the user first. Its other calls may then be made at the same time. */
const stepsOf = (org: ServedOrg): string[][] => {
  const [first, ...others] = org.takeAsked().map((path) => org.url + path);
  return [first === undefined ? [] : [first], others];
};

const measureCached = async (
  report: Report,
  worker: BenchWorker,
  login: string,
  rounds: number,
): Promise<void> => {
  const path = pathOf(login);
  await get(worker, path);
  const payload = await (await worker.request("GET", path)).text();
  if (!payload.includes('"cached":true')) throw new Error("the second look-up does not come from the cache");
  await worker.request("PUT", BARE, payload);
  const times = { bare: [] as number[], cached: [] as number[] };
  for (let round = -Math.min(WARM_UP, rounds); round < rounds; round++) {
    const bare = await timeOf(() => get(worker, BARE));
    const cached = await timeOf(() => get(worker, path));
    if (round < 0) continue;
    times.bare.push(bare);
    times.cached.push(cached);
  }
  // The first one runs on a colder machine, so each side goes first once.
  const before = { bare: await rateOf(worker, BARE, rounds), cached: await rateOf(worker, path, rounds) };
  const after = { cached: await rateOf(worker, path, rounds), bare: await rateOf(worker, BARE, rounds) };

  const table = `Look-ups from the cache, ${grouped(rounds)} of each, ${payload.length} bytes`;
  const besideWhat = "a bare Hono route with one KV read";
  const ms = (what: string, part: number) => ({
    table,
    what,
    ours: quantile(times.cached, part),
    beside: quantile(times.bare, part),
    besideWhat,
    unit: "ms",
  });
  const [p50, p99] = [ms("p50", 0.5), ms("p99", 0.99)];
  report.add(
    { ...p50, atMost: CACHED_GOALS.p50 },
    { ...p99, atMost: CACHED_GOALS.p99 },
    {
      table,
      what: `rate, ${AT_ONCE} under way at once`,
      ours: (before.cached + after.cached) / 2,
      beside: (before.bare + after.bare) / 2,
      besideWhat,
      unit: "a second",
    },
  );
};

/** What a client of the protocol of 2026 sends to call a tool. */
const VERSION = "2026-07-28";
const callOf = (name: string, args: object) => ({
  jsonrpc: "2.0",
  id: 1,
  method: "tools/call",
  params: {
    name,
    arguments: args,
    _meta: {
      "io.modelcontextprotocol/protocolVersion": VERSION,
      "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": {},
    },
  },
});
const headersOf = (name: string) => ({
  Accept: "application/json, text/event-stream",
  "MCP-Protocol-Version": VERSION,
  "MCP-Method": "tools/call",
  "MCP-Name": name,
});

/** The same questions, asked as an agent asks and by the route. */
const measureTools = async (
  report: Report,
  worker: BenchWorker,
  login: string,
  rounds: number,
): Promise<void> => {
  const questions = {
    "a cached look-up": [callOf("lookup_account", { account: login }), pathOf(login)],
    "a search": [callOf("find_accounts", { admin: true }), "/v1/inventory/users/search?admin=true&limit=50"],
    posture: [callOf("posture", {}), "/v1/posture"],
  } as const;
  for (const [what, [body, path]] of Object.entries(questions)) {
    const times = { tool: [] as number[], route: [] as number[] };
    for (let round = -Math.min(WARM_UP, rounds); round < rounds; round++) {
      const tool = await timeOf(async () => {
        const response = await worker.request("POST", "/mcp", body, headersOf(body.params.name));
        if (!(await response.text()).includes("structuredContent")) throw new Error("the tool has refused");
      });
      const route = await timeOf(() => get(worker, path));
      if (round < 0) continue;
      times.tool.push(tool);
      times.route.push(route);
    }
    report.add({
      table: `Tools for agents, ${grouped(rounds)} calls of each`,
      what: `${what}, p50`,
      ours: quantile(times.tool, 0.5),
      beside: quantile(times.route, 0.5),
      besideWhat: "the same by the API's route",
      unit: "ms",
      atMost: TOOL_GOAL,
    });
  }
};

const measureCold = async (
  report: Report,
  worker: BenchWorker,
  org: ServedOrg,
  ids: readonly string[],
): Promise<void> => {
  org.org.state.options.latencyMs = LATENCY_MS;
  const times = { ours: [] as number[], floor: [] as number[] };
  let calls = 0;
  for (const id of ids) {
    org.takeAsked();
    times.ours.push(await timeOf(() => get(worker, pathOf(id))));
    calls += org.askedCount();
    const steps = stepsOf(org);
    times.floor.push(await timeOf(() => worker.bench("floor", {}, steps)));
  }
  const table = `Look-ups that are not cached, ${(calls / ids.length).toFixed(1)} Okta calls of ${LATENCY_MS} ms each`;
  const ms = (what: string, part: number) => ({
    table,
    what,
    ours: quantile(times.ours, part),
    beside: quantile(times.floor, part),
    besideWhat: "the same calls, first the user, then the others at once",
    unit: "ms",
  });
  report.add(ms("p50", 0.5), ms("p99", 0.99));
};

export const measureLookups = async (report: Report, rounds: LookupRounds): Promise<void> => {
  const org = await serveOrg({ users: rounds.cold + 10, groups: 20, devices: 0 });
  const worker = await BenchWorker.start(org);
  const users = org.org.dump().users.filter(({ status }) => status === "ACTIVE");
  const [first, ...others] = users;
  await measureCached(report, worker, String(first?.profile["login"]), rounds.cached);
  assertDone(await worker.run("full", "users", "the inventory that tools read"));
  await measureTools(report, worker, String(first?.profile["login"]), rounds.cached);
  const ids = others.slice(0, rounds.cold).map(({ id }) => id);
  await measureCold(report, worker, org, ids);
  await worker.close();
  org.close();
};
