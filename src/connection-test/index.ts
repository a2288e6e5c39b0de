/** What POST /v1/test-connection does: it tests a stored connection or a candidate, and every sink. */
import { objectOf } from "../config/residency.ts";
import type { Connection } from "../config/types.ts";
import { gateObjectName } from "../contract/objects.ts";
import { testSink } from "../delivery/index.ts";
import { refusalText } from "../delivery/settings.ts";
import type { ParsedSinks } from "../delivery/settings-types.ts";
import { Permits } from "../okta/gate/permits.ts";
import type { Candidate } from "./candidate.ts";
import { type Check, type ConnectionTest, capabilities } from "./document.ts";
import type { KnownAssets } from "./estimate-input.ts";
import { hooksCheck, type KnownHooks } from "./hooks-check.ts";
import { isOk, type OnCheck, type TestOptions, testOkta } from "./run.ts";
import { candidateSignIn, storedSignIn } from "./sign-in.ts";

export { readCandidate } from "./candidate.ts";
export { type Check, type ConnectionTest, connectionTestSchema } from "./document.ts";
export type { KnownAssets } from "./estimate-input.ts";
export { type TestEvent, testEventSchema } from "./events.ts";
export type { KnownHooks } from "./hooks-check.ts";
export type { OnCheck } from "./run.ts";

export interface ConnectionTestDeps {
  readonly env: Env;
  readonly config: { readonly sinks: ParsedSinks; readonly rateLimitShare: number };
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly onCheck: OnCheck;
  readonly hooks: KnownHooks;
}

/** How long a call of the test may wait in line for a permit, ms. */
const PERMIT_WAIT_MS = 5_000;
/** How long a call of the test may take from its permit to its end, with a new access token, ms. */
const CALL_MS = 50_000;

/** Tests a stored connection: through its gate, so that it stays within the share, and with the gate's token. */
export const testStored = async (
  deps: ConnectionTestDeps,
  connection: Connection,
  known: KnownAssets,
): Promise<ConnectionTest> => {
  const { env, fetch, now } = deps;
  const { id, baseUrl, credential, rateLimitShare: share } = connection;
  const gate = objectOf(env, env.OKTA_GATE, gateObjectName(id));
  const permits = new Permits({
    gate,
    connection: id,
    holder: `test/${crypto.randomUUID()}`,
    priority: "interactive",
    batch: 1,
    waitMs: PERMIT_WAIT_MS,
    callMs: CALL_MS,
    now,
  });
  const signIn = storedSignIn(credential, { token: (rejected) => gate.accessToken(id, rejected) }, now);
  try {
    return await withSinks(deps, id, { baseUrl, signIn, permits, fetch, now, share, known });
  } finally {
    await permits.done();
  }
};

/**
 * Tests a candidate. It bypasses the gates, and nothing of it is kept.
 * @param like the stored connection in whose name the sinks are tested; null when there is none
 */
export const testCandidate = (
  deps: ConnectionTestDeps,
  { baseUrl, credential }: Candidate,
  like: Connection | null,
): Promise<ConnectionTest> => {
  const { config, fetch, now } = deps;
  const signIn = candidateSignIn({ baseUrl, credential }, { fetch, now });
  return withSinks(deps, like?.id ?? "candidate", {
    baseUrl,
    signIn,
    // Ten calls at most, and their answers show what is left of the limits: no permits are needed.
    permits: { take: async () => ({ granted: true }), report: () => {} },
    fetch,
    now,
    share: config.rateLimitShare,
    known: { users: null, devices: null },
  });
};

const withSinks = async (
  deps: ConnectionTestDeps,
  connection: string,
  options: Omit<TestOptions, "onCheck">,
): Promise<ConnectionTest> => {
  const { onCheck } = deps;
  const hooks = hooksCheck(deps.hooks);
  onCheck(capabilities.length, hooks);
  const [document, sinks] = await Promise.all([
    testOkta({ ...options, onCheck }),
    sinkChecks(deps, connection),
  ]);
  const checks = [...document.checks, hooks, ...sinks];
  return { ...document, checks, ok: isOk(checks) };
};

/** The names of the document's checks, in its order. */
export const checkNames = ({ accepted, refused }: ParsedSinks): readonly string[] => [
  ...capabilities,
  "hooks",
  ...[...accepted, ...refused].map(({ name }) => `sink:${name}`),
];

const sinkChecks = async (
  { env, config, fetch, now, onCheck }: ConnectionTestDeps,
  connection: string,
): Promise<Check[]> => {
  const { accepted, refused } = config.sinks;
  const told = (index: number, check: Check): Check => {
    onCheck(capabilities.length + 1 + index, check);
    return check;
  };
  const wrong = refused.map((sink, index) => told(accepted.length + index, refusedCheck(sink)));
  const tried = await Promise.all(
    accepted.map(async (settings, index): Promise<Check> => {
      const found = await testSink(settings, { env, connection, fetch, now });
      return told(index, { ...found, okta_error_code: null, rate_limit: null });
    }),
  );
  return [...tried, ...wrong];
};

const refusedCheck = (sink: ParsedSinks["refused"][number]): Check => ({
  name: `sink:${sink.name}`,
  status: "fail",
  http_status: null,
  okta_error_code: null,
  message: `Not tried: its settings are wrong. ${refusalText(sink)}`,
  remedy: "Correct the setting SINKS.",
  latency_ms: null,
  rate_limit: null,
});
