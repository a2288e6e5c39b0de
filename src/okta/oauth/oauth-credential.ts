/** A service app's access token on calls: it comes from the gate and is kept in memory; proofs are signed here. */
import { clockSkew } from "../../lib/clock.ts";
import { protectForNow } from "../../lib/redact.ts";
import { err, ok, type Result } from "../../lib/result.ts";
import type { CredentialSource } from "../credential.ts";
import { type AccessToken, refreshAt } from "./access-token.ts";
import { asOktaError, type TokenError, tokenError } from "./errors.ts";
import { type Prover, proverOf, readProof } from "./keys.ts";

/** Where tokens come from: the OktaGate. `rejected` is the token that Okta answered 401 to. */
export interface TokenSource {
  token(rejected: string | null): Promise<Result<AccessToken, TokenError>>;
}

interface Bearer {
  readonly access: AccessToken;
  /** Null for a bearer token. */
  readonly prove: Prover | null;
}

/** What the calls of one isolate share. Values only: one request may not await a promise that another one made. */
export interface TokenCache {
  bearer: Bearer | null;
  /** Okta's clock less ours as last seen on an answer, ms; null before the first. */
  skewMs: number | null;
  /** The nonce that Okta last asked for in proofs. */
  nonce: string | null;
}

export const emptyTokenCache = (): TokenCache => ({ bearer: null, skewMs: null, nonce: null });

const caches = new WeakMap<object, TokenCache>();

/** The cache that belongs to these settings for as long as they are in force. */
export const tokenCacheOf = (credential: object): TokenCache => {
  const known = caches.get(credential) ?? emptyTokenCache();
  caches.set(credential, known);
  return known;
};

/** Proofs are dated back by this much, so that a clock slightly ahead does no harm. */
const BACKDATE_MS = 2_000;
/** A proof whose time is off by more was refused because of its time. */
const STALE_PROOF_SECONDS = 30;

/** Whether an answer says that the proof, not the token, was wrong (RFC 9449, sections 7.1 and 9). */
const wasProofRefused = (headers: Headers): boolean =>
  /error="?(use_dpop_nonce|invalid_dpop_proof)/.test(headers.get("www-authenticate") ?? "");

/** A service app as a source of credentials, one per invocation; `cache` outlives it. */
export const oauthCredential = (options: {
  readonly source: TokenSource;
  readonly cache: TokenCache;
  readonly now: () => number;
}): CredentialSource => {
  const { source, cache, now } = options;
  const asking = new Map<string | null, Promise<Result<Bearer, TokenError>>>();
  let proofRefused = false;

  const fetchBearer = async (rejected: string | null): Promise<Result<Bearer, TokenError>> => {
    const access = await source.token(rejected).catch(() => {
      // The gate was restarted under us. Its token is in storage, so the next try finds it.
      return err(tokenError("network", "the connection's gate was restarted"));
    });
    if (!access.ok) return access;
    const known = cache.bearer;
    const isKnown =
      known?.access.token === access.value.token && known.access.issuedAt === access.value.issuedAt;
    if (isKnown) return ok(known);
    const { proofKey, skewMs, token } = access.value;
    // The gate asked for it, perhaps in another isolate.
    protectForNow([token]);
    const bearer = { access: access.value, prove: proofKey === null ? null : await proverOf(proofKey) };
    cache.bearer = bearer;
    cache.skewMs ??= skewMs;
    return ok(bearer);
  };

  /** Callers of one invocation share a question to the gate. */
  const ask = async (rejected: string | null): Promise<Result<Bearer, TokenError>> => {
    const answer = asking.get(rejected) ?? fetchBearer(rejected);
    asking.set(rejected, answer);
    try {
      return await answer;
    } finally {
      asking.delete(rejected);
    }
  };

  const serverNow = (): number => now() + (cache.skewMs ?? 0);

  return {
    authorize: async ({ method, url }) => {
      const known = cache.bearer;
      const fresh = known !== null && now() < refreshAt(known.access) ? ok(known) : await ask(null);
      if (!fresh.ok) return err(asOktaError(fresh.error));
      const { access, prove } = fresh.value;
      if (prove === null) return ok({ authorization: `Bearer ${access.token}` });
      const { nonce } = cache;
      const dpop = await prove({
        method,
        url,
        accessToken: access.token,
        nonce,
        now: serverNow() - BACKDATE_MS,
      });
      return ok({ authorization: `DPoP ${access.token}`, dpop });
    },

    renew: async (rejected) => {
      const token = rejected["authorization"]?.split(" ")[1] ?? null;
      if (cache.bearer !== null && cache.bearer.access.token !== token) return true;
      const { dpop } = rejected;
      if (proofRefused && dpop !== undefined) {
        proofRefused = false;
        const proof = readProof(dpop);
        const isStale = Math.abs(proof.iat - serverNow() / 1000) > STALE_PROOF_SECONDS;
        if (proof.nonce !== cache.nonce || isStale) return true;
      }
      const renewed = await ask(token);
      if (renewed.ok) return renewed.value.access.token !== token;
      // The next `authorize` then says why there is no token, which explains more than the 401.
      if (cache.bearer?.access.token === token) cache.bearer = null;
      return true;
    },

    observe: (headers) => {
      cache.skewMs = clockSkew(headers.get("date"), now()) ?? cache.skewMs;
      cache.nonce = headers.get("dpop-nonce")?.slice(0, 1024) ?? cache.nonce;
      if (wasProofRefused(headers)) proofRefused = true;
    },
  };
};
