import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import {
  unstable_readConfig as readConfig,
  unstable_getMiniflareWorkerOptions as workerOptionsOf,
} from "wrangler";
import { createOktaWorld } from "./dev/okta-org/index.ts";
import { LongestFirst, WORKERS } from "./test/support/order.ts";
import { runSettings } from "./test/support/run-settings.ts";

// The Worker as wrangler.toml describes it. Its bindings are left out below because wrangler adds those of the
// developer's own .dev.vars, which must not reach the tests.
const config = readConfig({ config: "./wrangler.toml" });
const { main, workerOptions } = workerOptionsOf(config);
if (main === undefined) throw new Error("wrangler.toml: main is missing");

/** Connections for tests that need an org of their own, t1 to t20; every test file has all of them to itself. */
const numbers = Array.from({ length: 20 }, (_, index) => index + 1);
const connections = numbers.map((n) => ({
  id: `t${n}`,
  base_url: `https://t${n}.okta.com`,
  secret_prefix: `T${n}_`,
}));
const tokens = Object.fromEntries(numbers.map((n) => [`T${n}_API_TOKEN`, "sim-token"]));

const settings = runSettings(process.env);

/** A busy machine is slow; what hangs, hangs longer than this, ms. */
const PATIENCE = settings.long ? 900_000 : 60_000;

const shared = {
  setupFiles: ["test/support/setup.ts"],
  provide: settings,
  maxWorkers: WORKERS,
  // The walks of the model, which mostly wait.
  maxConcurrency: 10,
  testTimeout: PATIENCE,
  hookTimeout: PATIENCE,
};

export default defineConfig({
  test: {
    // The Worker's log lines belong to tests that fail.
    silent: "passed-only",
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        // What runs the Worker in a process of its own mostly waits, so it runs beside the others.
        test: {
          ...shared,
          name: "process",
          include: ["test/**/*.process.test.ts"],
          isolate: false,
          testTimeout: 2 * PATIENCE,
          hookTimeout: 2 * PATIENCE,
          globalSetup: ["test/support/build-once.ts"],
        },
      },
      {
        plugins: [
          cloudflareTest(() => {
            // Each test file has a runtime of its own, with a world of its own: every outbound request of the Worker
            // ends there, at simulated orgs by hostname; all else is refused.
            const world = createOktaWorld();
            return {
              main,
              miniflare: {
                ...workerOptions,
                // Off in wrangler.toml as shipped, so that a first deploy works on a free account.
                r2Buckets: ["EVENTS"],
                queueProducers: { EVENTS_QUEUE: "okta-events" },
                bindings: {
                  ...config.vars,
                  OKTA_BASE_URL: "https://sim.okta.com",
                  OKTA_API_TOKEN: "sim-token",
                  CONNECTIONS: JSON.stringify(connections),
                  ...tokens,
                  // For a group that only orgs of tests about it have.
                  POSTURE_EXCEPTIONS: JSON.stringify([
                    { check: "admin_without_mfa", group_id: "00gBreakGlass", reason: "Break-glass accounts" },
                    {
                      check: "active_without_mfa",
                      group_id: "00gBreakGlass",
                      until: "2020-01-01",
                      reason: "Over",
                    },
                  ]),
                  API_KEYS:
                    "test-key-0123456789-0123456789-01234567,read:read-key-0123456789-0123456789-01234567",
                },
                outboundService: (request: Request) => world.fetch(request),
              },
            };
          }),
        ],
        test: {
          ...shared,
          name: "worker",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.node.test.ts", "test/**/*.process.test.ts"],
        },
      },
      {
        test: {
          ...shared,
          name: "node",
          include: ["test/**/*.node.test.ts"],
          // Without a process for each of so many small files.
          isolate: false,
        },
      },
    ],
  },
});
