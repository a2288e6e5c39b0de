/** The settings once they have been read. */

/** What is wrong with one setting. Never holds a secret's value. */
export interface SettingProblem {
  /** The setting's name, with a path inside it where there is one: `SINKS[1].url`. */
  readonly setting: string;
  /** What is wrong and what a valid value looks like, in one sentence each. */
  readonly message: string;
}

export type Setting<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly SettingProblem[] };

export type Credential =
  | { readonly kind: "ssws"; readonly token: string }
  | {
      readonly kind: "oauth";
      readonly clientId: string;
      /** A JWK (JSON) or a PKCS#8 PEM. */
      readonly privateKey: string;
      readonly keyId: string | null;
    };

/** One Okta org with one credential, and how to treat it. */
export interface Connection {
  readonly id: string;
  /** Origin only, no trailing slash. */
  readonly baseUrl: string;
  readonly credential: Credential;
  /** 0 < share ≤ 1: the largest part of any rate-limit bucket that we use. */
  readonly rateLimitShare: number;
  /** Lower-case factor types. */
  readonly mfaIgnoredFactors: readonly string[];
  /** Names of custom profile attributes to keep, sorted. */
  readonly profileAttributes: readonly string[];
  /** 0–1: the part of the known assets that may vanish in one run without a person's confirmation. */
  readonly deletionGuard: number;
  /** Every fact of every asset is re-read within this many days. */
  readonly refreshDays: number;
  /** For so many days changes are kept; 0: none are. */
  readonly historyDays: number;
  /** Okta calls in one alarm; the default stays within the free plan's 50 subrequests. */
  readonly subrequestsPerSlice: number;
}
