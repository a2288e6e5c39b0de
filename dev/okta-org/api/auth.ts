import type { Call, Endpoint, Principal } from "./call.ts";
import { ChallengeError, OktaError } from "./errors.ts";

/** Who calls, or the refusal that Okta would send. Endpoints without a scope need no credential. */
export const authenticate = async (call: Omit<Call, "principal">, endpoint: Endpoint): Promise<Principal> => {
  if (endpoint.scope === null) return { kind: "ssws" };
  const header = call.request.headers.get("authorization");
  if (header === null) throw new OktaError("E0000005");
  const [scheme = "", credential = ""] = header.split(/\s+/, 2);
  if (scheme.toUpperCase() === "SSWS") {
    const { token } = call.state.options;
    if (token === null || credential !== token) throw new OktaError("E0000011");
    return { kind: "ssws" };
  }
  if (scheme !== "Bearer" && scheme !== "DPoP") throw new OktaError("E0000011");
  const url = new URL(call.url.pathname, call.origin);
  const grant = await call.state.oauth.authenticate(scheme, credential, call.request, url);
  if (!grant.scopes.includes(endpoint.scope)) {
    const reason = "The access token provided does not contain the required scopes.";
    throw new ChallengeError(
      403,
      `${scheme} authorization_uri="${call.origin}/oauth2/v1/authorize", realm="${call.origin}", ` +
        `scope="${endpoint.scope}", error="insufficient_scope", error_description="${reason}", resource="${url.pathname}"`,
    );
  }
  return { kind: "oauth", client: grant.client, scopes: grant.scopes };
};
