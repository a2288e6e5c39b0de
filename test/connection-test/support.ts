/** The test of a connection against a simulated org, with the calls that it made. */
import { expect } from "vitest";
import { createOktaOrg, type OktaOrg, type OrgOptionsInput } from "../../dev/okta-org/index.ts";
import type { Candidate } from "../../src/connection-test/candidate.ts";
import type { Check, ConnectionTest } from "../../src/connection-test/document.ts";
import { testOkta } from "../../src/connection-test/run.ts";
import { candidateSignIn } from "../../src/connection-test/sign-in.ts";
import { controlOf } from "../support/control.ts";

export const BASE = "https://acme.okta.com";

export const ssws = (token = "sim-token"): Candidate["credential"] => ({ kind: "ssws", token });

export interface Tried {
  readonly document: ConnectionTest;
  readonly calls: readonly string[];
  /** The names of the checks in the order in which they were reported. */
  readonly reported: readonly string[];
  check(name: string): Check;
}

/** `answer` may answer in place of the org; null lets the org answer. */
export const tryConnection = async (
  org: OktaOrg,
  options: {
    readonly credential?: Candidate["credential"];
    readonly baseUrl?: string;
    readonly answer?: (request: Request) => Response | null;
    readonly known?: { users: number | null; devices: number | null };
    readonly now?: () => number;
  } = {},
): Promise<Tried> => {
  const { credential = ssws(), baseUrl = BASE, now = Date.now } = options;
  const calls: string[] = [];
  const reported: [number, Check][] = [];
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    calls.push(`${request.method} ${new URL(request.url).pathname}`);
    return options.answer?.(request) ?? org.fetch(request);
  };
  const document = await testOkta({
    baseUrl,
    signIn: candidateSignIn({ baseUrl, credential }, { fetch, now }),
    permits: { take: async () => ({ granted: true }), report: () => {} },
    fetch,
    now,
    share: 0.5,
    known: options.known ?? { users: null, devices: null },
    onCheck: (index, check) => reported.push([index, check]),
  });
  // In every situation: each check once, at its place, and just as it stands in the document.
  expect(new Map(reported)).toEqual(new Map(document.checks.entries()));
  expect(reported).toHaveLength(document.checks.length);
  return {
    document,
    calls,
    reported: reported.map(([, { name }]) => name),
    check: (name) => {
      const check = document.checks.find((candidate) => candidate.name === name);
      if (check === undefined) throw new Error(`no check ${name}`);
      return check;
    },
  };
};

export const makeOrg = (options: OrgOptionsInput = {}): OktaOrg =>
  createOktaOrg({ users: 30, groups: 6, devices: 4, ...options });

export const control = async (org: OktaOrg, path: string, body: unknown): Promise<void> => {
  await controlOf(BASE, org.fetch)("POST", path, body);
};
