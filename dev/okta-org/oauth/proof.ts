import { createHash } from "node:crypto";
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from "jose";
import type { ReplayGuard } from "./replay.ts";

/** How far a proof's `iat` may be from the server's clock. */
const PROOF_AGE_MS = 300_000;

const ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];

export interface ProofExpectation {
  method: string;
  /** Without query and fragment. */
  url: string;
  now: number;
  replay: ReplayGuard;
  /** The access token that the proof must name; absent at the token endpoint. */
  accessToken?: string;
}

export type ProofResult = { ok: true; jkt: string; nonce: string | null } | { ok: false; reason: string };

const fail = (reason: string): ProofResult => ({ ok: false, reason });

/** The access token's hash as a proof carries it (RFC 9449, section 4.2). */
export const accessTokenHash = (token: string): string =>
  createHash("sha256").update(token).digest("base64url");

/** Verifies a DPoP proof as RFC 9449, section 4.3 demands it. The nonce is the caller's to judge. */
export const verifyProof = async (proof: string | null, expected: ProofExpectation): Promise<ProofResult> => {
  if (proof === null || proof === "") return fail("The DPoP proof JWT header is missing.");
  if (proof.includes(",")) return fail("More than one DPoP proof.");
  let verified: Awaited<ReturnType<typeof jwtVerify>>;
  try {
    verified = await jwtVerify(proof, EmbeddedJWK, {
      typ: "dpop+jwt",
      algorithms: ALGORITHMS,
      currentDate: new Date(expected.now),
    });
  } catch {
    return fail("The DPoP proof JWT could not be verified.");
  }
  const { payload, protectedHeader } = verified;
  const { jwk } = protectedHeader;
  if (jwk === undefined || "d" in jwk) return fail("The DPoP proof JWT must carry a public key.");
  if (payload["htm"] !== expected.method) return fail("The DPoP proof JWT 'htm' does not match the request.");
  if (payload["htu"] !== expected.url) return fail("The DPoP proof JWT 'htu' does not match the request.");
  if (typeof payload.iat !== "number") return fail("The DPoP proof JWT has no 'iat'.");
  if (Math.abs(payload.iat * 1000 - expected.now) > PROOF_AGE_MS) {
    return fail("The DPoP proof JWT was not issued recently.");
  }
  if (typeof payload.jti !== "string" || payload.jti === "") return fail("The DPoP proof JWT has no 'jti'.");
  if (expected.accessToken !== undefined && payload["ath"] !== accessTokenHash(expected.accessToken)) {
    return fail("The DPoP proof JWT 'ath' does not match the access token.");
  }
  if (!expected.replay.use(payload.jti, expected.now, 2 * PROOF_AGE_MS)) {
    return fail("The DPoP proof JWT has already been used.");
  }
  const nonce = payload["nonce"];
  return {
    ok: true,
    jkt: await calculateJwkThumbprint(jwk),
    nonce: typeof nonce === "string" ? nonce : null,
  };
};
