import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import type { OauthClient } from "../options.ts";
import type { ReplayGuard } from "./replay.ts";

/** Okta refuses assertions that live longer. */
const MAX_LIFETIME_MS = 3_600_000;

export type AssertionResult = { ok: true; client: OauthClient } | { ok: false; reason: string };

const fail = (reason: string): AssertionResult => ({ ok: false, reason });

/** Verifies the private_key_jwt of a service app (RFC 7523) by the public keys that it registered. */
export const verifyAssertion = async (
  assertion: string,
  clients: readonly OauthClient[],
  tokenUrl: string,
  now: number,
  replay: ReplayGuard,
): Promise<AssertionResult> => {
  let issuer: string | undefined;
  let kid: string | undefined;
  try {
    issuer = decodeJwt(assertion).iss;
    kid = decodeProtectedHeader(assertion).kid;
  } catch {
    return fail("The client_assertion is not a JWT.");
  }
  const client = clients.find((candidate) => candidate.clientId === issuer);
  if (!client) return fail("The client_assertion 'iss' is no registered client.");
  const keys = client.jwks.keys.filter(
    (key) => kid === undefined || key["kid"] === undefined || key["kid"] === kid,
  );
  if (keys.length === 0) return fail("The client_assertion 'kid' is not one of the client's keys.");
  let payload: Awaited<ReturnType<typeof jwtVerify>>["payload"];
  try {
    const options = {
      issuer: client.clientId,
      subject: client.clientId,
      audience: tokenUrl,
      currentDate: new Date(now),
    };
    ({ payload } = await jwtVerify(assertion, createLocalJWKSet({ keys }), {
      ...options,
      algorithms: ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"],
      requiredClaims: ["exp", "jti"],
    }));
  } catch (error) {
    return fail(
      `The client_assertion is not valid: ${error instanceof Error ? error.message : "unknown reason"}`,
    );
  }
  if ((payload.exp ?? 0) * 1000 > now + MAX_LIFETIME_MS)
    return fail("The client_assertion expires too far in the future.");
  if (!replay.use(`${client.clientId}/${payload.jti}`, now, MAX_LIFETIME_MS)) {
    return fail("The client_assertion token can only be used once.");
  }
  return { ok: true, client };
};
