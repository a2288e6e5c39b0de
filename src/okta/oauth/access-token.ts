/** An access token as the gate keeps it and passes it to those who call Okta. Plain data. */
import type { JWK } from "jose";

export interface AccessToken {
  readonly token: string;
  readonly type: "DPoP" | "Bearer";
  /** What Okta granted. */
  readonly scopes: readonly string[];
  /** What was asked for and silently left out. */
  readonly missingScopes: readonly string[];
  /** ms since the epoch by the local clock, like `expiresAt`. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** The private key that the token is bound to; null for a bearer token. */
  readonly proofKey: JWK | null;
  /** Okta's clock less ours when the token was given, ms. */
  readonly skewMs: number;
}

const REFRESH_AHEAD_MS = 5 * 60_000;
const REFRESH_AHEAD_PART = 0.1;

/** When a new token is due, ms since the epoch: before the old one ends, so that no call carries an expired one. */
export const refreshAt = ({ issuedAt, expiresAt }: Pick<AccessToken, "issuedAt" | "expiresAt">): number =>
  expiresAt - Math.min(REFRESH_AHEAD_MS, (expiresAt - issuedAt) * REFRESH_AHEAD_PART);
