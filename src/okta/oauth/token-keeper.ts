/**
 * Keeps a connection's access token for all who call Okta with it. However many callers ask, it requests one new
 * token: before the old one ends, or when Okta has refused the old one on a call. The OktaGate has a keeper over
 * its storage.
 */
import { doubledMs } from "../../lib/backoff.ts";
import { sha256Hex } from "../../lib/bytes.ts";
import { err, ok, type Result } from "../../lib/result.ts";
import { type AccessToken, refreshAt } from "./access-token.ts";
import { type TokenError, tokenError } from "./errors.ts";
import { type OauthCredential, requestToken } from "./token-request.ts";

export interface KeptToken {
  /** Hash of the settings that the token belongs to; with other settings nothing of this is valid. */
  readonly fingerprint: string;
  readonly access: AccessToken | null;
  /** What the next visit to the token endpoint needs to know. */
  readonly nonce: string | null;
  readonly skewMs: number;
  /** Tokens in a row that Okta refused soon after it issued them. */
  readonly rejections: number;
  /** The last visit's failure, and until when no further visit is made. */
  readonly failure: { readonly error: TokenError; readonly count: number; readonly until: number } | null;
}

export interface KeeperStorage {
  load(): KeptToken | undefined;
  save(kept: KeptToken): void;
}

export interface TokenHolder {
  readonly baseUrl: string;
  readonly credential: OauthCredential;
}

/** What may be shown of the credential. */
export interface CredentialState {
  readonly kind: "oauth";
  readonly scopes: readonly string[];
  readonly missingScopes: readonly string[];
  /** ms since the epoch, null without a token. */
  readonly expiresAt: number | null;
  readonly bound: boolean;
  readonly error: TokenError | null;
}

/** A token that is refused sooner than this after it was issued may never have been valid. */
const EARLY_REJECTION_MS = 60_000;
const HOLD_OFF = { baseMs: 500, ceilingMs: 50_000 };
const BACKOFF = { baseMs: 2_000, ceilingMs: 5 * 60_000 };

/** How long, in ms, the token after this many early rejections in a row must have been in use: 0, 1 s, 2 s, 4 s … */
const holdOff = (rejections: number): number => (rejections <= 1 ? 0 : doubledMs(rejections - 1, HOLD_OFF));

/** How many tokens in a row are now known to have been refused soon. */
const rejectionsAfter = ({ access, rejections }: KeptToken, isRejected: boolean, now: number): number => {
  if (access === null) return rejections;
  return isRejected && now - access.issuedAt < EARLY_REJECTION_MS ? rejections + 1 : 0;
};

export class TokenKeeper {
  readonly #storage: KeeperStorage;
  readonly #fetch: typeof fetch;
  readonly #now: () => number;
  #flight: { fingerprint: string; result: Promise<Result<AccessToken, TokenError>> } | null = null;

  constructor(options: { storage: KeeperStorage; fetch: typeof fetch; now: () => number }) {
    this.#storage = options.storage;
    this.#fetch = options.fetch;
    this.#now = options.now;
  }

  /**
   * A token that works as far as is known.
   * @param rejected the token that Okta has just answered 401 to; null when there was none. One that has been
   *   replaced meanwhile costs no request.
   */
  async token(holder: TokenHolder, rejected: string | null): Promise<Result<AccessToken, TokenError>> {
    const fingerprint = await fingerprintOf(holder);
    if (this.#flight?.fingerprint === fingerprint) return this.#flight.result;
    const now = this.#now();
    const kept = this.#kept(fingerprint);
    const { access, failure } = kept;
    const isRejected = access !== null && access.token === rejected;
    const usable = access !== null && !isRejected && now < access.expiresAt ? access : null;
    if (usable !== null && now < refreshAt(usable)) return ok(usable);
    if (failure !== null && now < failure.until) return usable === null ? err(failure.error) : ok(usable);
    const rejections = rejectionsAfter(kept, isRejected, now);
    if (isRejected && rejections > 0) {
      // One may just have been revoked. The more in a row, the longer each must have been in use.
      const until = access.issuedAt + holdOff(rejections);
      if (now < until) {
        const error = tokenError("token_rejected", "not asked again yet", { retryAt: until });
        this.#storage.save({ ...kept, access: null, rejections, failure: { error, count: 0, until } });
        return err(error);
      }
    }
    const result = this.#visit(holder, { ...kept, rejections }, usable);
    this.#flight = { fingerprint, result };
    try {
      return await result;
    } finally {
      this.#flight = null;
    }
  }

  /** What was granted, or why nothing was; null when no token was ever asked for. */
  state(): CredentialState | null {
    const kept = this.#storage.load();
    if (kept === undefined) return null;
    const { access, failure } = kept;
    return {
      kind: "oauth",
      scopes: access?.scopes ?? [],
      missingScopes: access?.missingScopes ?? [],
      expiresAt: access?.expiresAt ?? null,
      bound: access?.type === "DPoP",
      error: failure?.error ?? null,
    };
  }

  async #visit(
    holder: TokenHolder,
    kept: KeptToken,
    usable: AccessToken | null,
  ): Promise<Result<AccessToken, TokenError>> {
    const { nonce, skewMs, fingerprint, rejections } = kept;
    const visit = await requestToken({ ...holder, nonce, skewMs, fetch: this.#fetch, now: this.#now });
    const learnt = { fingerprint, rejections, nonce: visit.nonce, skewMs: visit.skewMs };
    if (visit.result.ok) {
      this.#storage.save({ ...learnt, access: visit.result.value, failure: null });
      return visit.result;
    }
    const { error } = visit.result;
    const count = kept.failure === null ? 0 : kept.failure.count + 1;
    const until = Math.max(this.#now() + doubledMs(count, BACKOFF), error.retryAt ?? 0);
    this.#storage.save({ ...learnt, access: usable, failure: { error, count, until } });
    // A token that is still valid stays in use when no new one can be had.
    return usable === null ? err({ ...error, retryAt: until }) : ok(usable);
  }

  #kept(fingerprint: string): KeptToken {
    const kept = this.#storage.load();
    if (kept?.fingerprint === fingerprint) return kept;
    return { fingerprint, access: null, nonce: null, skewMs: 0, rejections: 0, failure: null };
  }
}

const fingerprintOf = async ({ baseUrl, credential }: TokenHolder): Promise<string> => {
  const { clientId, privateKey, keyId } = credential;
  return sha256Hex(JSON.stringify([baseUrl, clientId, privateKey, keyId]));
};
