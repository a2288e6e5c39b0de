/**
 * Simulated weeks in minutes, on the real `wrangler dev`: every turn is a day on the org's clock, with changes,
 * faults, both crons, a kill of the whole runtime now and then, revoked tokens and rotated keys. In the end the
 * inventory must equal the org, and nothing may have grown: memory, rows, dead letters.
 */
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { exportJWK, generateKeyPair } from "jose";
import type { StreamName, StreamStatus } from "../../../src/sync/status.ts";
import {
  differences,
  expectedDevices,
  expectedUsers,
  type Json,
  newestById,
} from "../../../test/support/expected.ts";
import { WorkerProcess } from "../../../test/support/worker-process.ts";
import type { FaultRule } from "../../okta-org/api/faults.ts";
import { faultRuleSchema } from "../../okta-org/api/faults.ts";
import { churn } from "../../okta-org/changes/churn.ts";
import { serveOrg } from "../lib/org.ts";
import { freePort } from "../lib/ports.ts";
import type { Report } from "../lib/report.ts";

const USERS = 300;
const DAY_MS = 86_400_000;
const CLIENT = "0oasoak";
const FULL_CRON = "0 2 * * *";
const DELTA_CRON = "*/15 * * * *";
const streams = ["users", "devices"] as const;

const FAULTS: readonly FaultRule[] = [
  { kind: "429", match: { probability: 0.02, times: 10 } },
  { kind: "concurrency-429", match: { probability: 0.02, times: 10 } },
  { kind: "503", match: { probability: 0.03, times: 15 } },
  { kind: "reset", match: { probability: 0.02, times: 10 } },
  { kind: "truncated", match: { probability: 0.02, times: 10 } },
  { kind: "401", match: { probability: 0.01, times: 3 } },
].map((rule) => faultRuleSchema.parse(rule));

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const statusOf = async (worker: WorkerProcess, stream: StreamName): Promise<StreamStatus | null> => {
  const response = await worker.request("GET", `/v1/streams/${stream}`).catch(() => null);
  return response?.ok ? response.json() : null;
};

/** Waits until both streams rest; backoffs are cut short as a person's "run now" does it. */
const rest = async (worker: WorkerProcess): Promise<StreamStatus[]> => {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const statuses: StreamStatus[] = [];
    for (const stream of streams) {
      const status = await statusOf(worker, stream);
      if (status !== null) statuses.push(status);
      if (status?.state === "backing_off" || (status?.run?.error ?? null) !== null)
        await worker.request("POST", `/v1/streams/${stream}/runs`, { kind: "delta" }).catch(() => null);
    }
    if (statuses.length === streams.length && statuses.every(({ run }) => run === null)) return statuses;
    if (Date.now() > deadline) throw new Error(`no rest: ${JSON.stringify(statuses)}`);
    await sleep(200);
  }
};

const eventsOf = async (worker: WorkerProcess, stream: StreamName): Promise<Map<string, Json>> => {
  const events: Json[] = [];
  for (let after = "0"; ; ) {
    const response = await worker.request("GET", `/v1/inventory/${stream}?limit=1000&after=${after}`);
    const text = await response.text();
    for (const line of text.split("\n")) if (line !== "") events.push(JSON.parse(line));
    const last = response.headers.get("x-last-sequence") ?? after;
    if (response.headers.get("link") === null) break;
    after = last;
  }
  return new Map(
    [...newestById(events)].filter(([, event]) => !JSON.stringify(event).includes('"is_deleted":true')),
  );
};

/** A new key pair of the service app, at the org and in the Worker's settings. */
const rotateKey = async (
  org: Awaited<ReturnType<typeof serveOrg>>,
  worker: WorkerProcess | null,
  n: number,
) => {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const kid = `k${n}`;
  org.org.state.oauth.putClients([
    {
      clientId: CLIENT,
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid, kty: "RSA" }] },
      scopes: ["users", "groups", "roles", "devices", "logs"].map((what) => `okta.${what}.read`),
      dpop: true,
      adminRole: true,
      tokenLifetimeSeconds: 3600,
    },
  ]);
  const key = JSON.stringify({ ...(await exportJWK(privateKey)), kid });
  if (worker !== null) {
    const file = join(worker.folder, ".env");
    const lines = (await readFile(file, "utf8"))
      .split("\n")
      .filter((line) => !line.startsWith("OKTA_PRIVATE_KEY="));
    await writeFile(file, [...lines, `OKTA_PRIVATE_KEY='${key}'`, ""].join("\n"));
  }
  return key;
};

const bytesIn = async (folder: string): Promise<number> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    // A journal may be gone again before it is looked at.
    entries.map((entry) =>
      entry.isFile() ? stat(join(entry.parentPath, entry.name)).catch(() => null) : null,
    ),
  );
  return sizes.reduce((sum, found) => sum + (found?.size ?? 0), 0);
};

/** The most of the second half of the days beside the most of the first; a runtime's peak ends with its life. */
const halves = (bytes: readonly number[]) => {
  const middle = Math.ceil(bytes.length / 2);
  return {
    ours: Math.max(0, ...bytes.slice(middle)) / 1e6,
    beside: Math.max(0, ...bytes.slice(0, middle)) / 1e6,
    besideWhat: "in the first half of the days",
    unit: "MB",
  };
};

export const soak = async (report: Report, minutes: number): Promise<void> => {
  const org = await serveOrg({ users: USERS, groups: 40, devices: USERS, limits: "none", windowMs: 2_000 });
  let delivered = 0;
  const sinkPort = await freePort();
  const sink = createServer((request, response) => {
    // One post in ten fails.
    response.statusCode = Math.random() < 0.1 ? 503 : 200;
    request.resume().on("end", () => response.end());
    delivered += 1;
  });
  await new Promise<void>((resolve) => sink.listen(sinkPort, "127.0.0.1", resolve));
  const worker = await WorkerProcess.create({
    OKTA_BASE_URL: org.url,
    OKTA_CLIENT_ID: CLIENT,
    OKTA_PRIVATE_KEY: await rotateKey(org, null, 0),
    DELETION_GUARD: "0.5",
    SINKS: JSON.stringify([
      { type: "http", name: "siem", url: `http://127.0.0.1:${sinkPort}/in`, format: "json" },
    ]),
  });
  const cron = (expression: string): Promise<unknown> =>
    worker.request("GET", `/cdn-cgi/handler/scheduled?cron=${encodeURIComponent(expression)}`);
  const deadline = Date.now() + minutes * 60_000;
  let kills = 0;
  let days = 0;
  try {
    await worker.start();
    await cron(FULL_CRON);
    await rest(worker);
    const memory: number[] = [];
    const stored: number[] = [];
    while (Date.now() < deadline) {
      days += 1;
      org.org.state.clock.setOffset(org.org.state.clock.offset() + DAY_MS);
      churn(org.org.state, 6, { silent: days % 5 === 0 });
      org.org.state.faults.add([...FAULTS]);
      if (days % 3 === 0) org.org.state.oauth.revokeTokens();
      if (days % 4 === 0) org.org.state.oauth.rotateNonce();
      await cron(days % 2 === 0 ? FULL_CRON : DELTA_CRON);
      if (days % 3 === 0) {
        await sleep(Math.random() * 500);
        await worker.kill();
        kills += 1;
        if (days % 6 === 0) await rotateKey(org, worker, days);
        await worker.start();
        await cron(DELTA_CRON);
      }
      await rest(worker);
      org.org.state.faults.clear();
      memory.push(await worker.peakMemory());
      stored.push(await bytesIn(join(worker.folder, "state")));
    }
    await cron(FULL_CRON);
    await sleep(200);
    await rest(worker);
    await cron(DELTA_CRON);
    await sleep(200);
    const statuses = await rest(worker);
    const dump = org.org.dump();
    const wrong =
      differences(await eventsOf(worker, "users"), expectedUsers(dump)).length +
      differences(await eventsOf(worker, "devices"), expectedDevices(dump)).length;
    const letters = statuses
      .flatMap(({ sinks }) => sinks)
      .reduce((sum, { dead_letters }) => sum + dead_letters, 0);
    const table = `Soak: ${days} simulated days, ${kills} kills of the runtime, ${delivered} posts`;
    const zero = { table, beside: 0, atMost: 1, besideWhat: "none" };
    report.add(
      { ...zero, what: "assets that differ from the org", ours: wrong, unit: "assets" },
      { ...zero, what: "dead letters", ours: letters, unit: "letters" },
      { table, ...halves(memory), what: "peak memory of the runtime", atMost: 1.25 },
      { table, ...halves(stored), what: "storage of all objects", atMost: 1.5 },
    );
  } finally {
    await worker.remove();
    org.close();
    sink.closeAllConnections();
    sink.close();
  }
};
