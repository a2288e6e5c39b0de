import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { createOktaWorld } from "./dev/okta-org/index.ts";

/** Every outbound request of the Worker under test ends here: simulated orgs by hostname, all else refused. */
const world = createOktaWorld();

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              outboundService: (request: Request) => world.fetch(request),
            },
          }),
        ],
        test: {
          name: "worker",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.node.test.ts"],
        },
      },
      {
        test: {
          name: "node",
          include: ["test/**/*.node.test.ts"],
          testTimeout: 30_000,
        },
      },
    ],
  },
});
