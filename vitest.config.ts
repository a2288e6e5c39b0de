import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import {
  unstable_readConfig as readConfig,
  unstable_getMiniflareWorkerOptions as workerOptionsOf,
} from "wrangler";
import { createOktaWorld } from "./dev/okta-org/index.ts";

/** Every outbound request of the Worker under test ends here: simulated orgs by hostname, all else refused. */
const world = createOktaWorld();

// The Worker as wrangler.toml describes it. Its bindings are left out below because wrangler adds those of the
// developer's own .dev.vars, which must not reach the tests.
const config = readConfig({ config: "./wrangler.toml" });
const { main, workerOptions } = workerOptionsOf(config);
if (main === undefined) throw new Error("wrangler.toml: main is missing");

/** A connection for each test file that needs an org of its own, t1 to t20, so that files can run side by side. */
const numbers = Array.from({ length: 20 }, (_, index) => index + 1);
const connections = numbers.map((n) => ({
  id: `t${n}`,
  base_url: `https://t${n}.okta.com`,
  secret_prefix: `T${n}_`,
}));
const tokens = Object.fromEntries(numbers.map((n) => [`T${n}_API_TOKEN`, "sim-token"]));

/** A busy machine is slow; what hangs, hangs longer than this. */
const patience = { testTimeout: 30_000, hookTimeout: 30_000 };

export default defineConfig({
  test: {
    // The Worker's log lines belong to tests that fail.
    silent: "passed-only",
    projects: [
      {
        plugins: [
          cloudflareTest({
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
                // Lengthen the model test (test/sync/model.test.ts).
                MODEL_STEPS: process.env["MODEL_STEPS"] ?? "",
                MODEL_SEEDS: process.env["MODEL_SEEDS"] ?? "",
                API_KEYS:
                  "test-key-0123456789-0123456789-01234567,read:read-key-0123456789-0123456789-01234567",
              },
              outboundService: (request: Request) => world.fetch(request),
            },
          }),
        ],
        test: {
          name: "worker",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.node.test.ts"],
          ...patience,
        },
      },
      {
        test: {
          name: "node",
          include: ["test/**/*.node.test.ts"],
          ...patience,
        },
      },
    ],
  },
});
