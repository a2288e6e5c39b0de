/** The simulated org for the first run of somebody new. */
import { serve } from "@hono/node-server";
import { createOktaOrg, type OktaOrg } from "../okta-org/index.ts";
import { isChange, type Journal } from "./journal.ts";
import type { StartOptions } from "./options.ts";

/**
 * Okta's published limits are for windows of a minute. Within half of them, reading 1,000 people takes minutes. Shorter
 * windows save the wait, and keep the numbers and the behaviour.
 */
export const WINDOW_MS = 3_000;

export const TOKEN = "sim-token";

/** Does everything again that the journal has. @returns how many of it the org refused this time */
const repeat = async (org: OktaOrg, { entries }: Journal): Promise<number> => {
  let refused = 0;
  for (const { at, method, path, body } of entries) {
    org.state.clock.hold(Date.parse(at));
    const response = await org.fetch(
      new Request(`http://127.0.0.1${path}`, { method, ...(body !== "" && { body }) }),
    );
    if (!response.ok) refused += 1;
  }
  org.state.clock.hold(null);
  return refused;
};

/** An org that notes what changes it. One change is made and noted before the next begins. */
export const lastingOrg = async (
  size: Pick<StartOptions, "users" | "groups" | "devices" | "seed">,
  journal: Journal,
): Promise<{ fetch(request: Request): Promise<Response>; refused: number }> => {
  const { users, groups, devices, seed } = size;
  const { epoch } = journal;
  const org = createOktaOrg({ users, groups, devices, seed, epoch, token: TOKEN, windowMs: WINDOW_MS });
  const refused = await repeat(org, journal);
  let last: Promise<unknown> = Promise.resolve();
  const change = async (request: Request, path: string): Promise<Response> => {
    const body = await request.clone().text();
    // One change is of one instant, as it will be when it is made again.
    const { clock } = org.state;
    const now = clock.now();
    clock.hold(now);
    const response = await org.fetch(request).finally(() => clock.hold(null));
    const at = new Date(now).toISOString();
    if (response.ok) journal.append({ at, method: request.method, path, body });
    return response;
  };
  return {
    refused,
    fetch: (request) => {
      const { pathname, search } = new URL(request.url);
      if (!isChange(request.method, pathname)) return org.fetch(request);
      const answer = last.then(() => change(request, pathname + search));
      last = answer.catch(() => {});
      return answer;
    },
  };
};

/**
 * Serves the org on this port of the loopback address until the process ends.
 * @returns its origin, and how many of the journal's changes could not be made again
 */
export const serveOrg = async (
  size: Pick<StartOptions, "users" | "groups" | "devices" | "seed">,
  port: number,
  journal: Journal,
): Promise<{ origin: string; refused: number }> => {
  const { fetch, refused } = await lastingOrg(size, journal);
  return new Promise((resolve, reject) => {
    const server = serve({ fetch, port, hostname: "127.0.0.1" }, () => {
      resolve({ origin: `http://127.0.0.1:${port}`, refused });
    });
    server.once("error", reject);
  });
};
