/** Cloudflare Access: the signed statement that it adds to requests of people and service tokens it let in. */
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { AccessTeam } from "../../config/access.ts";
import { err, ok, type Result } from "../../lib/result.ts";

export const accessHeader = "Cf-Access-Jwt-Assertion";

/** `invalid`: not from this team for this application, or expired. `unavailable`: the team's keys cannot be read. */
type AccessFailure = "invalid" | "unavailable";

export type AccessVerifier = (token: string, team: AccessTeam) => Promise<Result<true, AccessFailure>>;

/** jose's codes for a statement that is wrong in itself; what is left is trouble with fetching the keys. */
const isInvalid = (error: unknown): boolean =>
  error instanceof errors.JOSEError &&
  (/^ERR_JW[ST]_/.test(error.code) ||
    error.code === errors.JOSEAlgNotAllowed.code ||
    error.code === errors.JOSENotSupported.code ||
    error.code === errors.JWKSNoMatchingKey.code);

/**
 * Verifies signature, issuer, audience and times against the keys that the team publishes.
 * Source: developers.cloudflare.com/cloudflare-one, "Validate JWTs".
 */
export const accessVerifier = (deps: { fetch: typeof fetch; now: () => number }): AccessVerifier => {
  const keySets = new Map<string, JWTVerifyGetKey>();
  const keysOf = (issuer: string): JWTVerifyGetKey => {
    const known = keySets.get(issuer);
    if (known !== undefined) return known;
    const keys = createRemoteJWKSet(new URL(`${issuer}/cdn-cgi/access/certs`), {
      [customFetch]: (url, init) => deps.fetch(url, init),
      timeoutDuration: 5_000,
    });
    keySets.set(issuer, keys);
    return keys;
  };
  return async (token, team) => {
    try {
      await jwtVerify(token, keysOf(team.issuer), {
        issuer: team.issuer,
        audience: team.audience,
        algorithms: ["RS256", "ES256"],
        requiredClaims: ["exp"],
        clockTolerance: 30,
        currentDate: new Date(deps.now()),
      });
      return ok(true);
    } catch (error) {
      return err(isInvalid(error) ? "invalid" : "unavailable");
    }
  };
};
