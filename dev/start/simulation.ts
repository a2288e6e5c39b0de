/** The simulated org for the first run of somebody new. */
import { serve } from "@hono/node-server";
import { createOktaOrg } from "../okta-org/index.ts";
import type { StartOptions } from "./options.ts";

/**
 * Okta's published limits are for windows of a minute. Within half of them, reading 1,000 people takes minutes. Shorter
 * windows save the wait, and keep the numbers and the behaviour.
 */
export const WINDOW_MS = 3_000;

export const TOKEN = "sim-token";

/** Serves the org on this port of the loopback address until the process ends. @returns its origin */
export const serveOrg = (
  size: Pick<StartOptions, "users" | "groups" | "devices" | "seed">,
  port: number,
): Promise<string> => {
  const { users, groups, devices, seed } = size;
  const org = createOktaOrg({ users, groups, devices, seed, token: TOKEN, windowMs: WINDOW_MS });
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: org.fetch, port, hostname: "127.0.0.1" }, () => {
      resolve(`http://127.0.0.1:${port}`);
    });
    server.once("error", reject);
  });
};
