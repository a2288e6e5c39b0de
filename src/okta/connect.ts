/** Puts together what a caller of Okta needs: the credential, permits from the gate, the client, the API. */
import { objectOf } from "../config/residency.ts";
import type { Connection } from "../config/types.ts";
import { gateObjectName } from "../contract/objects.ts";
import { OktaApi } from "./api.ts";
import { OktaClient, type OktaClientOptions } from "./client.ts";
import { type CredentialSource, sswsCredential } from "./credential.ts";
import type { Endpoint } from "./endpoints.ts";
import type { Priority } from "./gate/ledger-state.ts";
import type { OktaGate } from "./gate/okta-gate.ts";
import { Permits } from "./gate/permits.ts";
import { oauthCredential, tokenCacheOf } from "./oauth/oauth-credential.ts";

export interface ConnectOptions {
  readonly connection: Connection;
  readonly env: Env;
  /** Who calls, unique among the callers of the moment: `stream/users`, `look-up/17`. */
  readonly holder: string;
  readonly priority: Priority;
  /** Permits fetched at a time; 1 for callers that make a handful of calls. */
  readonly batch?: number;
  /** How long a call may wait in line for a permit, ms. */
  readonly waitMs?: number;
  /** After this no call waits in line, ms since the epoch. */
  readonly waitUntil?: number;
  /** The calls that will follow the first one, of an interactive caller: their permits are fetched with its own. */
  readonly ahead?: readonly Endpoint[];
  /** For one attempt of a call, ms. */
  readonly timeoutMs?: number;
  /** How long a call may take from its permit to its end, ms, where `signal` bounds that. */
  readonly callMs?: number;
  /** Okta's clock less ours as last seen, ms. */
  readonly skewMs?: number;
  /** Whether a failed call may be repeated. */
  readonly budget?: () => boolean;
  readonly onCall?: (endpoint: Endpoint) => void;
  readonly onAnswer?: OktaClientOptions["onAnswer"];
  readonly signal?: AbortSignal;
  readonly fetch?: typeof fetch;
}

export interface OktaSession {
  readonly api: OktaApi;
  /** Gives unused permits back to the gate; call it when the work is done. */
  done(): Promise<void>;
}

/** For one attempt of a call, ms, unless told otherwise. */
const TIMEOUT_MS = 30_000;
/** How long a call may wait for a new access token: it takes up to four requests, with challenges. */
const TOKEN_MS = 40_000;

/** Okta's API through the connection's gate. */
export const connectOkta = (options: ConnectOptions): OktaSession => {
  const { connection, env, holder, priority, timeoutMs = TIMEOUT_MS } = options;
  const tokenMs = connection.credential.kind === "oauth" ? TOKEN_MS : 0;
  const gate = objectOf(env, env.OKTA_GATE, gateObjectName(connection.id));
  const permits = new Permits({
    gate,
    connection: connection.id,
    holder,
    priority,
    batch: options.batch ?? 1,
    waitMs: options.waitMs ?? 0,
    callMs: options.callMs ?? timeoutMs + tokenMs,
    now: Date.now,
    ...(options.waitUntil !== undefined && { waitUntil: options.waitUntil }),
    ...(options.ahead && { ahead: options.ahead }),
  });
  const client = new OktaClient({
    baseUrl: connection.baseUrl,
    credential: credentialOf(connection, gate),
    permits,
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    now: Date.now,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    random: Math.random,
    budget: options.budget ?? (() => true),
    timeoutMs,
    skewMs: options.skewMs ?? 0,
    ...(options.onCall && { onCall: options.onCall }),
    ...(options.onAnswer && { onAnswer: options.onAnswer }),
    ...(options.signal && { signal: options.signal }),
  });
  return { api: new OktaApi(client), done: () => permits.done() };
};

const credentialOf = (
  { id, credential }: Connection,
  gate: Pick<OktaGate, "accessToken">,
): CredentialSource => {
  if (credential.kind === "ssws") return sswsCredential(credential.token);
  return oauthCredential({
    source: { token: (rejected) => gate.accessToken(id, rejected) },
    cache: tokenCacheOf(credential),
    now: Date.now,
  });
};
