/** An OktaClient over answers given by the test, with a purse of permits that never runs dry. */
import { OktaApi } from "../../src/okta/api.ts";
import { OktaClient, type OktaClientOptions } from "../../src/okta/client.ts";
import { type CredentialSource, sswsCredential } from "../../src/okta/credential.ts";

export const BASE = "https://company.okta.com";
export const TOKEN = "00SecretTokenThatNobodyMaySee";
export const NOW = Date.parse("2025-10-09T08:53:20.000Z");

export type Reply =
  | Response
  | Error
  | ((request: Request, signal: AbortSignal | null) => Response | Promise<Response>);

export const json = (body: unknown, init: ResponseInit = {}): Response =>
  new Response(JSON.stringify(body), { headers: { "content-type": "application/json" }, ...init });

export const oktaError = (
  status: number,
  errorCode: string,
  headers: Record<string, string> = {},
): Response =>
  json(
    { errorCode, errorSummary: "Something is not right", errorLink: errorCode, errorId: "oae1" },
    { status, headers },
  );

export interface Harness {
  readonly client: OktaClient;
  readonly api: OktaApi;
  readonly requests: Request[];
  readonly reports: { endpoint: string; outcome: string; status: number | null }[];
  readonly slept: number[];
  permits: number;
}

/** Answers come in order; the last one stays. */
export const harness = (
  replies: readonly Reply[],
  options: Partial<OktaClientOptions> & { credential?: CredentialSource } = {},
): Harness => {
  const requests: Request[] = [];
  const reports: Harness["reports"] = [];
  const slept: number[] = [];
  const state = { permits: 0 };
  const client = new OktaClient({
    baseUrl: BASE,
    credential: sswsCredential(TOKEN),
    permits: {
      take: async () => {
        state.permits += 1;
        return { granted: true };
      },
      report: (endpoint, outcome, { status }) => reports.push({ endpoint, outcome, status }),
    },
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const reply = replies[Math.min(requests.length, replies.length - 1)];
      requests.push(request);
      if (reply === undefined || reply instanceof Error) throw reply ?? new Error("no reply");
      return reply instanceof Response ? reply.clone() : reply(request, init?.signal ?? null);
    },
    now: () => NOW,
    sleep: async (ms) => {
      slept.push(ms);
    },
    random: () => 0.5,
    budget: () => true,
    timeoutMs: 1000,
    skewMs: 0,
    ...options,
  });
  return {
    client,
    api: new OktaApi(client),
    requests,
    reports,
    slept,
    get permits() {
      return state.permits;
    },
  };
};
