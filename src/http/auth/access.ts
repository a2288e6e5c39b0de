/** Cloudflare Access: the signed JWT that it adds to each request of a person or service token that it has let in. */
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { AccessTeam } from "../../config/access.ts";
import { err, ok, type Result } from "../../lib/result.ts";

export const accessHeader = "Cf-Access-Jwt-Assertion";

/**
 * `invalid`: the token was not issued by this team for this application, or has expired. `unavailable`: the team's
 * public keys could not be fetched.
 */
type AccessFailure = "invalid" | "unavailable";

export type AccessVerifier = (token: string, team: AccessTeam) => Promise<Result<true, AccessFailure>>;

/** Whether jose's error means that the token itself is wrong. Every other error is a failure to fetch the keys. */
const isInvalid = (error: unknown): boolean =>
  error instanceof errors.JOSEError &&
  (/^ERR_JW[ST]_/.test(error.code) ||
    error.code === errors.JOSEAlgNotAllowed.code ||
    error.code === errors.JOSENotSupported.code ||
    error.code === errors.JWKSNoMatchingKey.code);

/**
 * Makes a verifier of Access's tokens. It checks the signature with the keys that the team publishes, the issuer, the
 * audience and the times (30 s of clock difference are allowed), and remembers each team's keys.
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
