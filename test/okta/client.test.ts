import { describe, expect, test } from "vitest";
import type { Result } from "../../src/lib/result.ts";
import type { OktaError } from "../../src/okta/errors.ts";
import { BASE, harness, json, NOW, oktaError, type Reply, TOKEN } from "./client-support.ts";

const FACTORS = "GET /api/v1/users/{id}/factors";
const URL_OF_FACTORS = `${BASE}/api/v1/users/00u1/factors?secret=query`;

const errorOf = (result: Result<unknown, OktaError>): OktaError => {
  if (result.ok) throw new Error("it succeeded");
  return result.error;
};

const limits = (limit: number, remaining: number, resetInS: number): Record<string, string> => ({
  date: new Date(NOW).toUTCString(),
  "x-rate-limit-limit": String(limit),
  "x-rate-limit-remaining": String(remaining),
  "x-rate-limit-reset": String(NOW / 1000 + resetInS),
});

const endless = (): Response =>
  new Response(
    new ReadableStream({
      type: "bytes",
      pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024).fill(32)),
    }),
  );

/** The answer; the error's code; how often it is tried; what the message says after the endpoint. */
const failures: readonly (readonly [string, Reply, OktaError["code"], number, string])[] = [
  ["401", oktaError(401, "E0000011"), "invalid_credential", 1, "401 E0000011 Something is not right"],
  ["403", oktaError(403, "E0000006"), "forbidden", 1, "403 E0000006 Something is not right"],
  [
    "403 for want of a scope",
    new Response(null, { status: 403, headers: { "www-authenticate": 'Bearer error="insufficient_scope"' } }),
    "insufficient_scope",
    1,
    "403",
  ],
  ["404", oktaError(404, "E0000007"), "not_found", 1, "404 E0000007 Something is not right"],
  ["400", oktaError(400, "E0000031"), "bad_request", 1, "400 E0000031 Something is not right"],
  ["405", new Response("no", { status: 405 }), "bad_request", 1, "405"],
  [
    "429 of a window",
    oktaError(429, "E0000047", limits(600, 0, 20)),
    "rate_limited",
    1,
    "429 E0000047 Something is not right",
  ],
  [
    "429 without headers",
    oktaError(429, "E0000047"),
    "rate_limited",
    1,
    "429 E0000047 Something is not right",
  ],
  [
    "429 of too many at once",
    oktaError(429, "E0000047", limits(0, 0, 180)),
    "rate_limited",
    3,
    "429 E0000047 Something is not right",
  ],
  ["500", oktaError(500, "E0000009"), "unavailable", 3, "500 E0000009 Something is not right"],
  ["503 in plain text", new Response("Service Unavailable", { status: 503 }), "unavailable", 3, "503"],
  [
    "a refused connection",
    new TypeError(`fetch failed: ${URL_OF_FACTORS}`),
    "network",
    3,
    "the connection failed",
  ],
  ["half a body", new Response('[{"id":"1"},{"id'), "invalid_response", 3, "the answer is not JSON"],
  ["an empty body", new Response(""), "invalid_response", 3, "the answer is not JSON"],
  [
    "a sign-in page",
    new Response("<!doctype html><title>Sign in</title>"),
    "invalid_response",
    3,
    "the answer is not JSON",
  ],
  ["a body without end", endless, "too_large", 1, "the answer is over 25165824 bytes"],
  [
    "a redirect",
    new Response(null, { status: 302, headers: { location: "https://attacker.invalid/" } }),
    "foreign_origin",
    1,
    "302 to https://attacker.invalid, where the credential is not sent",
  ],
];

describe("each kind of failure", () => {
  test.each(failures)("%s", async (_, reply, code, tries, message) => {
    const { client, requests, reports } = harness([reply]);
    const error = errorOf(await client.get(FACTORS, URL_OF_FACTORS));
    expect(error).toMatchObject({
      code,
      endpoint: FACTORS,
      message: `[GET] "/api/v1/users/{id}/factors": ${message}`,
    });
    expect(requests).toHaveLength(tries);
    expect(reports.map(({ outcome }) => outcome)).toEqual(Array.from({ length: tries }, () => code));
    expect(JSON.stringify(error)).not.toContain(TOKEN);
    expect(JSON.stringify(error)).not.toContain("secret=query");
  });

  test("a connection that breaks in the middle of a body is a network failure, and tried again", async () => {
    const broken = () =>
      new Response(
        new ReadableStream({
          type: "bytes",
          start: (controller) => {
            controller.enqueue(new TextEncoder().encode("[{"));
            controller.error(new TypeError("connection reset"));
          },
        }),
      );
    const { client, requests } = harness([broken, json([])]);
    expect(await client.get(FACTORS, URL_OF_FACTORS)).toMatchObject({ ok: true, value: { body: [] } });
    expect(requests).toHaveLength(2);
  });

  test("no answer in time is a timeout, and tried again", async () => {
    // The signal as it was given: the one that a Request makes of it may be collected before it fires.
    const never = (_: Request, signal: AbortSignal | null) =>
      new Promise<Response>((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
      });
    const { client, requests } = harness([never], { timeoutMs: 10 });
    expect(errorOf(await client.get(FACTORS, URL_OF_FACTORS))).toMatchObject({
      code: "timeout",
      status: null,
      message: '[GET] "/api/v1/users/{id}/factors": no answer within 10 ms',
    });
    expect(requests).toHaveLength(3);
  });

  test("a caller that has given up is not kept waiting by further tries", async () => {
    const controller = new AbortController();
    const abort = () => {
      controller.abort();
      return oktaError(500, "E0000009");
    };
    const { client, requests } = harness([abort], { signal: controller.signal });
    expect(errorOf(await client.get(FACTORS, URL_OF_FACTORS)).code).toBe("unavailable");
    expect(requests).toHaveLength(1);
  });
});

describe("when to come back", () => {
  test("for a full window it is its end, by Okta's clock", async () => {
    const { client } = harness([oktaError(429, "E0000047", limits(600, 0, 20))]);
    expect(errorOf(await client.get(FACTORS, URL_OF_FACTORS)).retryAt).toBe(NOW + 21_000);
  });

  test.each([
    ["a year ahead", 31_536_000],
    ["a year ago", -31_536_000],
  ])("for a window that ends %s it is a minute", async (_, ahead) => {
    const { client } = harness([oktaError(429, "E0000047", limits(600, 0, ahead))]);
    expect(errorOf(await client.get(FACTORS, URL_OF_FACTORS)).retryAt).toBe(NOW + 61_000);
  });

  test("an incredible Date is believed only if the next answer says the same", async () => {
    const dated = (date: string) => json([], { headers: { date } });
    const { client } = harness([
      dated("Fri, 31 Dec 9999 23:59:59 GMT"),
      dated(new Date(NOW + 5000).toUTCString()),
      dated(new Date(NOW + 400 * 86_400_000).toUTCString()),
    ]);
    const skews: number[] = [];
    for (let n = 0; n < 4; n++) {
      await client.get(FACTORS, URL_OF_FACTORS);
      skews.push(client.skewMs);
    }
    expect(skews).toEqual([0, 5000, 5000, 400 * 86_400_000]);
  });

  test("for too many calls at once it is soon: the reset is ignored", async () => {
    const { client, slept } = harness([oktaError(429, "E0000047", limits(0, 0, 180))]);
    expect(errorOf(await client.get(FACTORS, URL_OF_FACTORS)).retryAt).toBe(NOW + 1000);
    expect(slept).toEqual([250, 500]);
  });

  test.each([
    ["the gate's reason", "unaccounted", { reason: "unaccounted" }],
    ["no reason if the gate gives none", null, {}],
  ] as const)("without a permit nothing is called, and the error has %s", async (_, reason, expected) => {
    const permits = {
      take: async () => ({ granted: false as const, retryAt: NOW + 7, reason }),
      report: () => {},
    };
    const { client, requests } = harness([json([])], { permits });
    expect(errorOf(await client.get(FACTORS, URL_OF_FACTORS))).toEqual({
      code: "rate_limited",
      message: '[GET] "/api/v1/users/{id}/factors": no call is free now',
      endpoint: FACTORS,
      status: null,
      oktaErrorCode: null,
      retryAt: NOW + 7,
      ...expected,
    });
    expect(requests).toHaveLength(0);
  });
});

describe("tries", () => {
  test("end at the first success, with full jitter between them", async () => {
    const { client, slept, reports } = harness([
      oktaError(503, "E0000010"),
      new TypeError("reset"),
      json([1]),
    ]);
    expect(await client.get(FACTORS, URL_OF_FACTORS)).toMatchObject({
      ok: true,
      value: { body: [1], status: 200 },
    });
    expect(slept).toEqual([250, 500]);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["unavailable", "network", "ok"]);
  });

  test("end when the budget of calls is used up", async () => {
    const { client, requests } = harness([oktaError(503, "E0000010")], { budget: () => false });
    await client.get(FACTORS, URL_OF_FACTORS);
    expect(requests).toHaveLength(1);
  });

  test("each takes a permit of its own", async () => {
    const made = harness([oktaError(503, "E0000010"), json([])]);
    await made.client.get(FACTORS, URL_OF_FACTORS);
    expect(made.permits).toBe(2);
  });
});

describe("the credential", () => {
  test("goes along as SSWS, in the header alone, and no redirect is followed with it", async () => {
    const { client, requests } = harness([json([])]);
    await client.get(FACTORS, URL_OF_FACTORS);
    expect(requests[0]?.headers.get("authorization")).toBe(`SSWS ${TOKEN}`);
    expect(requests[0]?.redirect).toBe("manual");
    expect(requests[0]?.url).toBe(URL_OF_FACTORS);
  });

  test.each([
    "https://attacker.invalid/api",
    "http://company.okta.com/api",
    "https://company.okta.com:444/api",
  ])("never goes to %s", async (url) => {
    const made = harness([json([])]);
    expect(errorOf(await made.client.get(FACTORS, url)).code).toBe("foreign_origin");
    expect(made.requests).toHaveLength(0);
    expect(made.permits).toBe(0);
  });

  test("is renewed once after a 401, and no more", async () => {
    let version = 1;
    const credential = {
      authorize: async () => ({ ok: true as const, value: { authorization: `Bearer v${version}` } }),
      renew: async () => {
        version += 1;
        return true;
      },
      observe: () => {},
    };
    const good = harness([oktaError(401, "E0000011"), json([])], { credential });
    expect(await good.client.get(FACTORS, URL_OF_FACTORS)).toMatchObject({ ok: true });
    expect(good.requests.map((request) => request.headers.get("authorization"))).toEqual([
      "Bearer v1",
      "Bearer v2",
    ]);
    const bad = harness([oktaError(401, "E0000011")], { credential });
    expect(errorOf(await bad.client.get(FACTORS, URL_OF_FACTORS)).code).toBe("invalid_credential");
    expect(bad.requests).toHaveLength(2);
  });

  test("that cannot be had is the call's own failure, and no call goes out", async () => {
    const error: OktaError = {
      code: "invalid_credential",
      message: "no token",
      endpoint: "",
      status: null,
      oktaErrorCode: null,
      retryAt: null,
    };
    const credential = {
      authorize: async () => ({ ok: false as const, error }),
      renew: async () => false,
      observe: () => {},
    };
    const { client, requests, reports } = harness([json([])], { credential });
    expect(errorOf(await client.get(FACTORS, URL_OF_FACTORS))).toEqual(error);
    expect(requests).toHaveLength(0);
    expect(reports).toEqual([{ endpoint: FACTORS, outcome: "invalid_credential", status: 0 }]);
  });
});

describe("clocks", () => {
  test("Okta's is learned from its Date header, which has whole seconds only", async () => {
    const at = (ms: number) => json([], { headers: { date: new Date(NOW + ms).toUTCString() } });
    for (const [ms, skew] of [
      [0, 0],
      [-1000, 0],
      [3_600_000, 3_600_000],
      [-90_000, -90_000],
    ] as const) {
      const { client } = harness([at(ms)]);
      await client.get(FACTORS, URL_OF_FACTORS);
      expect(client.skewMs).toBe(skew);
      expect(client.serverNow()).toBe(NOW + skew);
    }
  });
});
