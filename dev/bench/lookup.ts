/**
 * How close a cached look-up comes to a bare Hono route with one KV read of the same payload: p50 of both,
 * measured in turn in one run of the local runtime. `node dev/bench/lookup.ts [--rounds 2000] [--main FILE]`
 */
import { parseArgs } from "node:util";
import { serve } from "@hono/node-server";
import { createTestHarness } from "wrangler";
import { createOktaOrg } from "../okta-org/index.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "2000" },
    main: { type: "string", default: "dev/bench/lookup-worker.ts" },
  },
});
const rounds = Number(values.rounds);

/** The goal: at most this many times the bare route. */
const GOAL = 1.3;
const KEY = "b".repeat(40);
const LATENCY_MS = 50;
const COLD = 30;

const org = createOktaOrg({ users: 50, groups: 20, devices: 0, limits: "none" });
const okta = await new Promise<{ port: number; close: () => void }>((resolve) => {
  const server = serve({ fetch: org.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) =>
    resolve({ port, close: () => server.close() }),
  );
});

const objects = {
  OKTA_GATE: "OktaGate",
  INVENTORY_STREAM: "InventoryStream",
  ACCOUNT_LOOKUP: "AccountLookup",
};
const harness = createTestHarness({
  workers: [
    {
      config: {
        name: "lookup-bench",
        main: values.main,
        compatibility_date: "2026-10-20",
        kv_namespaces: [{ binding: "ENRICHMENT_CACHE" }],
        durable_objects: {
          bindings: Object.entries(objects).map(([name, class_name]) => ({ name, class_name })),
        },
        migrations: [{ tag: "v1", new_sqlite_classes: Object.values(objects) }],
        vars: {
          OKTA_BASE_URL: `http://127.0.0.1:${okta.port}`,
          ALLOW_LOOPBACK: "true",
          OKTA_API_TOKEN: "sim-token",
          API_KEYS: KEY,
        },
      },
    },
  ],
});
await harness.listen();

const headers = { Authorization: `Bearer ${KEY}` };
const login = String(org.dump().users[1]?.profile["login"]);
const lookUp = `/v1/enrichments/accounts/${encodeURIComponent(login)}`;

/** Milliseconds for one whole request, body included. */
const time = async (path: string): Promise<number> => {
  const startedAt = performance.now();
  const response = await harness.fetch(path, { headers });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
  return performance.now() - startedAt;
};

const quantile = (times: number[], part: number): number =>
  times.sort((a, b) => a - b)[Math.floor(times.length * part)] ?? Number.NaN;
const p50 = (times: number[]): number => quantile(times, 0.5);
const p99 = (times: number[]): number => quantile(times, 0.99);

await time(lookUp);
const payload = await (await harness.fetch(lookUp, { headers })).text();
if (!payload.includes('"cached":true')) throw new Error("the second look-up does not come from the cache");
await harness.fetch("/bare/payload", { method: "PUT", body: payload });

for (let i = 0; i < 300; i++) {
  await time("/bare/payload");
  await time(lookUp);
}
const bare: number[] = [];
const cached: number[] = [];
for (let i = 0; i < rounds; i++) {
  bare.push(await time("/bare/payload"));
  cached.push(await time(lookUp));
}

// Cold: people nobody has asked for yet, with Okta as slow as it is over a network.
org.state.options.latencyMs = LATENCY_MS;
const cold: number[] = [];
const before = org.stats().total;
for (const user of org.dump().users.slice(5, 5 + COLD)) {
  cold.push(await time(`/v1/enrichments/accounts/${user.id}`));
}
const calls = (org.stats().total - before) / COLD;

const [floor, ours] = [p50(bare), p50(cached)];
const ratio = ours / floor;
const line = (label: string, times: number[]): void =>
  console.log(`${label.padEnd(34)}p50 ${p50(times).toFixed(3)} ms  p99 ${p99(times).toFixed(3)} ms`);
line("bare Hono route with one KV read", bare);
line("cached look-up", cached);
line("cold look-up", cold);
console.log(
  `its calls' own latency            ${(calls * LATENCY_MS).toFixed(0)} ms (${calls.toFixed(1)} calls of ${LATENCY_MS} ms)`,
);
console.log(`ratio ${ratio.toFixed(2)} (goal: at most ${GOAL}; ${payload.length} bytes, ${rounds} rounds)`);
await harness.close();
okta.close();
process.exitCode = ratio <= GOAL ? 0 : 1;
