/** Okta's API for one look-up. */
import type { OktaApi } from "../okta/api.ts";
import type { OktaSession } from "../okta/connect.ts";
import type { Endpoint } from "../okta/endpoints.ts";
import type { LookupApi } from "./lookup.ts";

/**
 * What a look-up asks Okta beside the user's record, and the search that it makes where an e-mail is not the login: by that
 * e-mail, or for who else has it.
 */
export const BESIDE_THE_USER: readonly Endpoint[] = [
  "GET /api/v1/users",
  "GET /api/v1/users/{id}/groups",
  "GET /api/v1/users/{id}/factors",
  "GET /api/v1/users/{id}/roles",
];

/** One session with the gate for all calls of a look-up. It is opened by the first of them. */
export class LookupSession {
  readonly #connect: () => OktaSession;
  #session: OktaSession | null = null;
  readonly #calls = new Set<Promise<unknown>>();

  constructor(connect: () => OktaSession) {
    this.#connect = connect;
  }

  get api(): LookupApi {
    return {
      user: (name) => this.#call((api) => api.user(name)),
      users: (request) => this.#call((api) => api.users(request)),
      userGroups: (userId, request) => this.#call((api) => api.userGroups(userId, request)),
      userFactors: (userId) => this.#call((api) => api.userFactors(userId)),
      userRoles: (userId) => this.#call((api) => api.userRoles(userId)),
    };
  }

  /**
   * Gives back what was not used and reports the calls, once the last of them has ended: a look-up whose time is up does
   * not wait for those that are still under way.
   */
  async end(): Promise<void> {
    await Promise.allSettled(this.#calls);
    await this.#session?.done();
  }

  #call<T>(work: (api: OktaApi) => Promise<T>): Promise<T> {
    this.#session ??= this.#connect();
    const call = work(this.#session.api);
    this.#calls.add(call);
    return call;
  }
}
