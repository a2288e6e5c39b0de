import type { OktaApi } from "../okta/api.ts";
import type { OktaSession } from "../okta/connect.ts";
import type { LookupApi } from "./lookup.ts";

/**
 * Okta's API with a session of its own for each call. A session waits in line for one permit at a time and reports a
 * finished call to the gate only with its next request, so the calls of one session would hold each other up.
 * @param background keeps the object alive for work that goes on after the call: `ctx.waitUntil`
 */
export const sessionPerCall = (
  connect: () => OktaSession,
  background: (work: Promise<void>) => void,
): LookupApi => {
  const call = async <T>(work: (api: OktaApi) => Promise<T>): Promise<T> => {
    const session = connect();
    try {
      return await work(session.api);
    } finally {
      background(session.done());
    }
  };
  return {
    user: (name) => call((api) => api.user(name)),
    users: (request) => call((api) => api.users(request)),
    userGroups: (userId, request) => call((api) => api.userGroups(userId, request)),
    userFactors: (userId) => call((api) => api.userFactors(userId)),
    userRoles: (userId) => call((api) => api.userRoles(userId)),
  };
};
