/** A simulated org with a service app, its keys in every form, and a keeper and callers over it. */
import { type CryptoKey, exportJWK, exportPKCS8, generateKeyPair, type JWK } from "jose";
import { createOktaOrg, type OktaOrg, type OrgOptionsInput } from "../../dev/okta-org/index.ts";
import { OktaApi } from "../../src/okta/api.ts";
import { OktaClient } from "../../src/okta/client.ts";
import type { CredentialSource } from "../../src/okta/credential.ts";
import { emptyTokenCache, oauthCredential, type TokenCache } from "../../src/okta/oauth/oauth-credential.ts";
import { type KeptToken, TokenKeeper } from "../../src/okta/oauth/token-keeper.ts";
import type { OauthCredential } from "../../src/okta/oauth/token-request.ts";
import { type Control, controlOf } from "../support/control.ts";

export const BASE = "https://acme.okta.com";
export const CLIENT = "0oaSERVICE";

export interface AppKey {
  readonly publicJwk: JWK;
  readonly privateJwk: string;
  readonly pem: string;
}

export const makeAppKey = async (alg: "RS256" | "ES256", kid: string): Promise<AppKey> => {
  const pair: { publicKey: CryptoKey; privateKey: CryptoKey } = await generateKeyPair(alg, {
    extractable: true,
  });
  return {
    publicJwk: { ...(await exportJWK(pair.publicKey)), kid },
    privateJwk: JSON.stringify({ ...(await exportJWK(pair.privateKey)), kid, alg, use: "sig" }),
    pem: await exportPKCS8(pair.privateKey),
  };
};

export interface Setup {
  readonly org: OktaOrg;
  readonly keeper: TokenKeeper;
  /** What the keeper's storage holds. */
  readonly stored: { kept: KeptToken | undefined };
  readonly fetch: typeof fetch;
  readonly sent: Request[];
  credential: OauthCredential;
  readonly control: Control;
  /** Registers the app again. */
  register(key: AppKey, client?: object): Promise<unknown>;
  /** A caller with a cache of its own unless one is given, as in an isolate of its own. */
  caller(cache?: TokenCache): { readonly source: CredentialSource; readonly api: OktaApi };
  now(): number;
  /** For us alone: the org's clock stays. */
  passTime(ms: number): void;
  passTimeForBoth(ms: number): Promise<void>;
}

/** `answer` may answer in place of the org; null lets the org answer. */
export const setUp = async (
  key: AppKey,
  options: {
    readonly org?: OrgOptionsInput;
    readonly client?: object;
    readonly answer?: (request: Request) => Response | null;
  } = {},
): Promise<Setup> => {
  const org = createOktaOrg({ users: 12, groups: 3, devices: 2, limits: "none", ...options.org });
  const stored: { kept: KeptToken | undefined } = { kept: undefined };
  const sent: Request[] = [];
  let offset = 0;
  const now = (): number => Date.now() + offset;
  const send: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    sent.push(request.clone());
    return options.answer?.(request) ?? org.fetch(request);
  };
  const keeper = new TokenKeeper({
    storage: {
      load: () => stored.kept,
      save: (kept) => {
        stored.kept = structuredClone(kept);
      },
    },
    fetch: send,
    now,
  });
  const control = controlOf(BASE, org.fetch);
  const register = (appKey: AppKey, client: object = {}): Promise<unknown> =>
    control("POST", "/oauth-clients", {
      clientId: CLIENT,
      jwks: { keys: [appKey.publicJwk] },
      ...client,
    });
  await register(key, options.client);
  const setup: Setup = {
    org,
    keeper,
    stored,
    fetch: send,
    sent,
    credential: { kind: "oauth", clientId: CLIENT, privateKey: key.privateJwk, keyId: null },
    control,
    register,
    caller: (cache = emptyTokenCache()) => {
      const source = oauthCredential({
        source: {
          token: (rejected) => keeper.token({ baseUrl: BASE, credential: setup.credential }, rejected),
        },
        cache,
        now,
      });
      const client = new OktaClient({
        baseUrl: BASE,
        credential: source,
        permits: { take: async () => ({ granted: true }), report: () => {} },
        fetch: send,
        now,
        sleep: async () => {},
        random: () => 0,
        budget: () => true,
        timeoutMs: 5000,
        skewMs: 0,
      });
      return { source, api: new OktaApi(client) };
    },
    now,
    passTime: (ms) => {
      offset += ms;
    },
    passTimeForBoth: async (ms) => {
      offset += ms;
      await control("POST", "/clock", { advance_ms: ms });
    },
  };
  return setup;
};
