/** The two ways to sign in to the org under test: as the connection does, or with the credential of a request. */
import type { Credential } from "../config/types.ts";
import { err, type Result } from "../lib/result.ts";
import { sswsCredential } from "../okta/credential.ts";
import type { AccessToken } from "../okta/oauth/access-token.ts";
import { type TokenError, tokenError } from "../okta/oauth/errors.ts";
import {
  emptyTokenCache,
  oauthCredential,
  type TokenSource,
  tokenCacheOf,
} from "../okta/oauth/oauth-credential.ts";
import { requestToken } from "../okta/oauth/token-request.ts";
import type { Candidate } from "./candidate.ts";
import type { SignIn } from "./run.ts";

const sswsSignIn = (token: string): SignIn => ({
  kind: "ssws",
  source: sswsCredential(token),
  token: async () => ({ result: null, requests: 0 }),
});

/** Signs in as the connection's streams do: a service app's token comes from the gate. */
export const storedSignIn = (credential: Credential, gate: TokenSource, now: () => number): SignIn => {
  if (credential.kind === "ssws") return sswsSignIn(credential.token);
  return {
    kind: "oauth",
    source: oauthCredential({ source: gate, cache: tokenCacheOf(credential), now }),
    token: async () => {
      const startedAt = now();
      const result = await gate
        .token(null)
        .catch(() => err(tokenError("network", "the connection's gate was restarted")));
      // The gate does not say how many requests it made. A new token takes one, and one more for Okta's nonce.
      const isNew = !result.ok || result.value.issuedAt >= startedAt;
      return { result, requests: isNew ? 2 : 0 };
    },
  };
};

/** Signs in with a candidate. Its token is forgotten with the request. */
export const candidateSignIn = (
  { baseUrl, credential }: Candidate,
  { fetch, now }: { readonly fetch: typeof globalThis.fetch; readonly now: () => number },
): SignIn => {
  if (credential.kind === "ssws") return sswsSignIn(credential.token);
  let given: Result<AccessToken, TokenError> = err(tokenError("misconfigured", "not asked yet"));
  return {
    kind: "oauth",
    source: oauthCredential({ source: { token: async () => given }, cache: emptyTokenCache(), now }),
    token: async (maxRequests) => {
      const visit = await requestToken({
        baseUrl,
        credential,
        nonce: null,
        skewMs: 0,
        fetch,
        now,
        maxRequests,
      });
      given = visit.result;
      return visit;
    },
  };
};
