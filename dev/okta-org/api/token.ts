import type { Endpoint } from "./call.ts";

export const tokenEndpoints: Endpoint[] = [
  {
    method: "POST",
    path: "/oauth2/v1/token",
    bucket: "/oauth2/v1",
    scope: null,
    resource: null,
    handle: (call) => {
      call.state.stats.tokenRequests++;
      return call.state.oauth.token(call.request, `${call.origin}/oauth2/v1/token`);
    },
  },
];
