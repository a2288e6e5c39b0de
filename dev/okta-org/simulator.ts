import { Hono } from "hono";
import type { Endpoint } from "./api/call.ts";
import { deviceEndpoints } from "./api/devices.ts";
import { oktaError } from "./api/errors.ts";
import { eventHookEndpoints } from "./api/event-hooks.ts";
import { groupEndpoints } from "./api/groups.ts";
import { logEndpoints } from "./api/logs.ts";
import { orgEndpoints } from "./api/org.ts";
import { finish, runEndpoint } from "./api/pipeline.ts";
import { tokenEndpoints } from "./api/token.ts";
import { userEndpoints } from "./api/users.ts";
import { controlRoutes, type OrgStats, statsOf } from "./control/index.ts";
import type { OrgOptions, OrgOptionsInput } from "./options.ts";
import { createState, type OrgState } from "./org/state.ts";
import type { OrgDump } from "./org/types.ts";

/** A simulated Okta org. */
export interface OktaOrg {
  /** Answers a request to the org, or to its control routes under `/_org/`. */
  fetch(request: Request): Promise<Response>;
  readonly options: OrgOptions;
  /** What an ideal inventory of the org would hold now. */
  dump(): OrgDump;
  stats(): OrgStats;
  /** The inside of the org, for tests that need more than its routes. */
  readonly state: OrgState;
}

const ENDPOINTS: Endpoint[] = [
  ...userEndpoints,
  ...groupEndpoints,
  ...deviceEndpoints,
  ...logEndpoints,
  ...orgEndpoints,
  ...eventHookEndpoints,
  ...tokenEndpoints,
];

/**
 * Makes an org from options; everything has a default, and the same options make the same org.
 *
 * @example const org = createOktaOrg({ users: 50, seed: 7 })
 *          const response = await org.fetch(new Request("https://acme.okta.com/api/v1/users", { headers }))
 */
export const createOktaOrg = (options: OrgOptionsInput = {}): OktaOrg => {
  const state = createState(options);
  const app = new Hono();
  app.route("/_org", controlRoutes(state));
  for (const endpoint of ENDPOINTS) {
    const path = endpoint.path.replaceAll(/\{(\w+)\}/g, ":$1");
    app.on(endpoint.method ?? "GET", path, (c) =>
      runEndpoint(state, endpoint, c.req.raw, (name) => c.req.param(name) ?? ""),
    );
  }
  for (const { path } of ENDPOINTS) {
    // HEAD arrives as GET in Hono; every other method is one that the endpoint refuses.
    app.all(path.replaceAll(/\{(\w+)\}/g, ":$1"), () =>
      finish(state, oktaError("E0000022", undefined, state.requestIds.id("oae"))),
    );
  }
  app.notFound((c) => {
    const response = oktaError("E0000007", `Resource not found: ${c.req.path}`, state.requestIds.id("oae"));
    return finish(state, response);
  });
  app.onError((error) => {
    throw error;
  });
  return {
    fetch: async (request) => {
      state.clock.tick();
      return app.fetch(request);
    },
    options: state.options,
    dump: () => state.store.dump(),
    stats: () => statsOf(state),
    state,
  };
};
