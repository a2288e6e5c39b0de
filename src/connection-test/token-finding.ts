/** Why a service app got no access token, and what to do about it. Pure. */
import type { TokenError } from "../okta/oauth/errors.ts";
import { SCOPES } from "../okta/oauth/scopes.ts";
import { crowdedOut, type Finding, fail, networkZone, outage, speaksOfNetwork } from "./finding.ts";

/** `(401 invalid_client)` */
const where = ({ status, oktaErrorCode }: TokenError): string => {
  const facts = [status, oktaErrorCode].filter((fact) => fact !== null);
  return facts.length === 0 ? "" : ` (${facts.join(" ")})`;
};

/** The finding on a sign-in that failed. */
export const tokenFinding = (error: TokenError): Finding => {
  switch (error.code) {
    case "bad_key":
      return fail(
        "The private key cannot be read.",
        "Give the private part of the app's key pair as a JWK or as PKCS#8 PEM (-----BEGIN PRIVATE KEY-----), whole and unencrypted.",
      );
    case "invalid_client":
      return fail(
        `Okta does not accept the service app${where(error)}: it knows no such client ID, or the key is not one of the app's.`,
        "Compare the client ID with the app's page in Okta (Applications > the app > General). Under Public keys an active key must have the same KID and be the other half of this private key.",
      );
    case "invalid_scope":
      return fail(
        `None of the scopes is granted to the service app${where(error)}.`,
        `Grant them under Applications > the app > Okta API Scopes: ${SCOPES.join(", ")}.`,
      );
    case "clock_skew":
      return fail(
        `Okta refuses the sign-in because of its time${where(error)}; clock_skew_ms says how far the clocks are apart.`,
        "Set this machine's clock, for instance by NTP, and try again.",
      );
    case "dpop_refused":
      return fail(
        `The service app requires DPoP, and Okta refuses the proof${where(error)}.`,
        "Try again. If it stays, a proxy changes the requests or the clock is wrong; DPoP can be turned off under Applications > the app > General > Proof of possession.",
      );
    case "refused":
      if (speaksOfNetwork(error.message) || (error.status === 403 && error.oktaErrorCode === null)) {
        return networkZone("oauth", error.status);
      }
      return fail(
        `Okta refuses to give the service app an access token${where(error)}.`,
        "Check under Applications that the app is an API Services app, is active, and may use Client Credentials.",
      );
    case "token_rejected":
      return fail(
        "Okta gives access tokens and then refuses them.",
        "Check that the app is active and has an admin role (Applications > the app > Admin roles), and try again in a minute.",
      );
    case "misconfigured":
      return fail("The connection has no service app.", "Check the connection's settings.");
    case "invalid_response":
      return fail(
        `The token endpoint does not answer as Okta's does${where(error)}.`,
        "Check the base URL: it is the org's own address, not that of a proxy or of a custom authorization server.",
      );
    case "rate_limited":
      return crowdedOut(error.retryAt);
    case "unavailable":
    case "timeout":
    case "network":
      return outage(error.status === null ? error.code : String(error.status));
  }
};
