/** POST /v1/test-connection, behind its route: a stored connection or a candidate, and every sink. */
import { sentence } from "../config/problem.ts";
import type { Config, Connection } from "../config.ts";
import { testSink } from "../delivery/index.ts";
import { Permits } from "../okta/gate/permits.ts";
import type { Candidate } from "./candidate.ts";
import type { Check, ConnectionTest } from "./document.ts";
import type { KnownAssets } from "./findings.ts";
import { isOk, type TestOptions, testOkta } from "./run.ts";
import { candidateSignIn, storedSignIn } from "./sign-in.ts";

export { readCandidate } from "./candidate.ts";
export { type ConnectionTest, connectionTestSchema } from "./document.ts";
export type { KnownAssets } from "./findings.ts";

export interface ConnectionTestDeps {
  readonly env: Env;
  readonly config: Pick<Config, "sinks" | "rateLimitShare">;
  readonly fetch: typeof fetch;
  readonly now: () => number;
}

/** How long a call of the test may stand in line for a permit, ms. */
const PERMIT_WAIT_MS = 5_000;

/** Tests a stored connection: through its gate, so that it stays within the share, and with the gate's token. */
export const testStored = async (
  deps: ConnectionTestDeps,
  connection: Connection,
  known: KnownAssets,
): Promise<ConnectionTest> => {
  const { env, fetch, now } = deps;
  const { id, baseUrl, credential, rateLimitShare: share } = connection;
  const gate = env.OKTA_GATE.getByName(id);
  const permits = new Permits({
    gate,
    connection: id,
    holder: `test/${crypto.randomUUID()}`,
    priority: "interactive",
    batch: 1,
    waitMs: PERMIT_WAIT_MS,
    now,
  });
  const signIn = storedSignIn(credential, { token: (rejected) => gate.accessToken(id, rejected) }, now);
  try {
    return await withSinks(deps, id, { baseUrl, signIn, permits, fetch, now, share, known });
  } finally {
    await permits.done();
  }
};

/** Tests a candidate: beside every gate, and nothing of it is kept. */
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
    // Ten calls at most, and what is left of the limit is in their answers: no need to ask for leave.
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
  options: TestOptions,
): Promise<ConnectionTest> => {
  const [document, sinks] = await Promise.all([testOkta(options), sinkChecks(deps, connection)]);
  const checks = [...document.checks, ...sinks];
  return { ...document, checks, ok: isOk(checks) };
};

const sinkChecks = async (
  { env, config, fetch, now }: ConnectionTestDeps,
  connection: string,
): Promise<Check[]> => {
  const tried = await Promise.all(
    config.sinks.accepted.map(async (settings): Promise<Check> => {
      const found = await testSink(settings, { env, connection, fetch, now });
      return { ...found, okta_error_code: null, rate_limit: null };
    }),
  );
  const refused = config.sinks.refused.map(
    ({ name, problems }): Check => ({
      name: `sink:${name}`,
      status: "fail",
      http_status: null,
      okta_error_code: null,
      message: `Not tried: its settings are wrong. ${problems.map(({ path, message }) => `${path}: ${sentence(message)}`).join(" ")}`,
      remedy: "Correct the setting SINKS.",
      latency_ms: null,
      rate_limit: null,
    }),
  );
  return [...tried, ...refused];
};
