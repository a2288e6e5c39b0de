import { describe, expect, test } from "vitest";
import { BASE, harness, json, oktaError } from "./client-support.ts";

const page = (records: unknown, next: string | null): Response =>
  json(records, {
    headers: {
      link: [
        `<${BASE}/api/v1/users?limit=200>; rel="self"`,
        ...(next === null ? [] : [`<${next}>; rel="next"`]),
      ].join(", "),
    },
  });

const NEXT = `${BASE}/api/v1/users?after=opaque%2Fcursor&limit=200&search=x`;
const USERS = { query: { search: 'status lt "ZZZ"', limit: "200" } };

describe("lists", () => {
  test("come page by page, each by the next of the one before, as Okta gave it", async () => {
    const { api, requests } = harness([page([1, 2], NEXT), page([3], null)]);
    const first = await api.users(USERS);
    expect(first).toEqual({ ok: true, value: { records: [1, 2], next: NEXT } });
    expect(await api.users({ next: NEXT })).toEqual({ ok: true, value: { records: [3], next: null } });
    expect(requests.map(({ url }) => url)).toEqual([
      `${BASE}/api/v1/users?search=status+lt+%22ZZZ%22&limit=200`,
      NEXT,
    ]);
  });

  test("of users leave credentials out, for which Okta needs all three words", async () => {
    const { api, requests } = harness([page([], null)]);
    await api.users(USERS);
    await api.groupUsers("00g1", {});
    await api.groups({});
    const types = requests.map(({ headers }) => headers.get("content-type"));
    const lean =
      'application/json; okta-response="omitCredentials,omitCredentialsLinks,omitTransitioningToStatus"';
    expect(types).toEqual([lean, lean, null]);
  });

  test("whose next leads elsewhere are an error, and nothing is sent there", async () => {
    const { api, requests } = harness([page([1], "https://attacker.invalid/api/v1/users?after=x")]);
    expect(await api.users(USERS)).toMatchObject({
      ok: false,
      error: { code: "foreign_origin", status: null },
    });
    expect(await api.users({ next: "https://attacker.invalid/x" })).toMatchObject({
      ok: false,
      error: { code: "foreign_origin", message: expect.not.stringContaining("attacker") },
    });
    // The org was asked for its addresses, without the credential.
    expect(requests.map(({ url }) => new URL(url).origin)).toEqual([BASE, BASE]);
    expect(requests[1]?.url).toBe(`${BASE}/.well-known/okta-organization`);
    expect(requests[1]?.headers.has("authorization")).toBe(false);
  });

  test("whose next is on another address of the org go on at the configured one", async () => {
    const other = "https://login.example.com/api/v1/users?after=opaque%2Fcursor";
    const document = {
      id: "00o1",
      _links: { organization: { href: BASE }, alternate: { href: "https://login.example.com" } },
    };
    const { api, requests } = harness([page([1], other), json(document), page([2], other), page([3], null)]);
    const next = `${BASE}/api/v1/users?after=opaque%2Fcursor`;
    expect(await api.users(USERS)).toEqual({ ok: true, value: { records: [1], next } });
    expect(await api.users({ next })).toMatchObject({ ok: true, value: { next } });
    // It is asked once.
    expect(requests.map(({ url }) => new URL(url).pathname)).toEqual([
      "/api/v1/users",
      "/.well-known/okta-organization",
      "/api/v1/users",
    ]);
  });

  test.each([["garbage"], [`<${BASE}/api/v1/users?limit=200>; rel="self", garbage`], [`<${NEXT}`]])(
    "whose Link header cannot be read are no answer, and never the end: %s",
    async (link) => {
      const { api } = harness([json([1], { headers: { link } })]);
      expect(await api.users(USERS)).toMatchObject({
        ok: false,
        error: { code: "invalid_response", status: 200 },
      });
    },
  );

  test.each([[{}], ["text"], [null], [42]])("that are %j are no lists", async (body) => {
    const { api } = harness([json(body)]);
    expect(await api.users(USERS)).toMatchObject({ ok: false, error: { code: "invalid_response" } });
    expect(await api.userFactors("00u1")).toMatchObject({ ok: false, error: { code: "invalid_response" } });
  });
});

describe("a 500 on a page", () => {
  const limitsOf = (requests: readonly Request[]) =>
    requests.map(({ url }) => Number(new URL(url).searchParams.get("limit")));

  test("is answered by asking for half of it, and goes on with the smaller page's own next", async () => {
    const { api, requests } = harness([
      oktaError(500, "E0000009"),
      oktaError(500, "E0000009"),
      page([1], NEXT),
    ]);
    expect(await api.users(USERS)).toMatchObject({ ok: true, value: { next: NEXT } });
    expect(limitsOf(requests)).toEqual([200, 100, 50]);
  });

  test("of a further page halves that one in place", async () => {
    const { api, requests } = harness([oktaError(500, "E0000009"), page([1], null)]);
    await api.users({ next: NEXT });
    expect(requests.map(({ url }) => url)).toEqual([NEXT, NEXT.replace("limit=200", "limit=100")]);
  });

  test("that is not about its size is given up after three halvings and three tries", async () => {
    const { api, requests } = harness([oktaError(500, "E0000009")]);
    expect(await api.users(USERS)).toMatchObject({ ok: false, error: { code: "unavailable", status: 500 } });
    expect(limitsOf(requests)).toEqual([200, 100, 50, 25, 25, 25]);
  });

  test("is not halved when the budget of calls is used up", async () => {
    const { api, requests } = harness([oktaError(500, "E0000009"), page([], null)], { budget: () => false });
    expect(await api.users(USERS)).toMatchObject({ ok: false, error: { code: "unavailable", status: 500 } });
    expect(limitsOf(requests)).toEqual([200]);
  });

  test("without a size is tried again as it is", async () => {
    const { api, requests } = harness([oktaError(500, "E0000009"), json([])]);
    expect(await api.userFactors("00u1")).toMatchObject({ ok: true });
    expect(requests).toHaveLength(2);
  });

  test.each([504, 524])("%i halves as well", async (status) => {
    const { api, requests } = harness([new Response("<html>", { status }), page([1], NEXT)]);
    expect(await api.groups({ query: { limit: "200", expand: "stats" } })).toMatchObject({
      ok: true,
      value: { limit: 100 },
    });
    expect(limitsOf(requests)).toEqual([200, 100]);
  });

  test("silence asks for a quarter, and no page is waited for twice", async () => {
    const silent = (_: Request, signal: AbortSignal | null) =>
      new Promise<Response>((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
      });
    const { api, requests } = harness([silent, page([1], null)], { timeoutMs: 10 });
    expect(await api.users(USERS)).toMatchObject({ ok: true, value: { records: [1], limit: 50 } });
    const { api: never, requests: asked } = harness([silent], { timeoutMs: 10 });
    expect(await never.users(USERS)).toMatchObject({ ok: false, error: { code: "timeout", pageSize: 13 } });
    expect([limitsOf(requests), limitsOf(asked)]).toEqual([
      [200, 50],
      [200, 50, 13],
    ]);
  });

  test("a size that is given takes the place of that in the link", async () => {
    const { api, requests } = harness([page([1], null)]);
    await api.users({ next: NEXT, limit: 50 });
    expect(requests.map(({ url }) => url)).toEqual([NEXT.replace("limit=200", "limit=50")]);
  });

  test("503 does not halve: it is no time-out", async () => {
    const { api, requests } = harness([oktaError(503, "E0000010"), page([], null)]);
    await api.users(USERS);
    expect(limitsOf(requests)).toEqual([200, 200]);
  });
});

describe("people with roles", () => {
  const body = (href?: string) =>
    json({
      value: [{ id: "00u1", orn: "orn" }],
      ...(href === undefined ? {} : { _links: { next: { href } } }),
    });

  test.each([
    ["the last page", undefined, null],
    ["https", `${BASE}/api/v1/iam/assignees/users?after=1`, `${BASE}/api/v1/iam/assignees/users?after=1`],
    [
      "http with the right host",
      "http://company.okta.com/api/v1/iam/assignees/users?after=1",
      `${BASE}/api/v1/iam/assignees/users?after=1`,
    ],
  ])("page in the body: %s", async (_, href, next) => {
    const { api } = harness([body(href)]);
    expect(await api.roleAssignees({})).toEqual({
      ok: true,
      value: { records: [{ id: "00u1", orn: "orn" }], next },
    });
  });

  test("a next on another host is an error", async () => {
    const { api } = harness([body("http://attacker.invalid/api")]);
    expect(await api.roleAssignees({})).toMatchObject({ ok: false, error: { code: "foreign_origin" } });
  });

  test.each([[[]], [{}], [{ value: "x" }], [null]])(
    "a body of %j is not what Okta documents",
    async (wrong) => {
      const { api } = harness([json(wrong)]);
      expect(await api.roleAssignees({})).toMatchObject({ ok: false, error: { code: "invalid_response" } });
    },
  );

  test.each([[{ next: "x" }], [{ next: { href: 1 } }], ["x"], [{ next: { href: "" } }], [{ next: [] }]])(
    "links of %j cannot be read, which is not the end of the list",
    async (_links) => {
      const { api } = harness([json({ value: [], _links })]);
      expect(await api.roleAssignees({})).toMatchObject({ ok: false, error: { code: "invalid_response" } });
    },
  );

  test.each([[{ next: null }], [{}], [{ next: {} }], [null]])("links of %j end the list", async (_links) => {
    const { api } = harness([json({ value: [], _links })]);
    expect(await api.roleAssignees({})).toEqual({ ok: true, value: { records: [], next: null } });
  });
});

describe("single things", () => {
  test("ids are encoded: none can lead to another path", async () => {
    const { api, requests } = harness([json({})]);
    await api.user("CORP/mary@example.com");
    await api.user("../../oauth2/v1/token?x=1#y");
    expect(requests.map(({ url }) => url.slice(BASE.length))).toEqual([
      "/api/v1/users/CORP%2Fmary%40example.com",
      "/api/v1/users/..%2F..%2Foauth2%2Fv1%2Ftoken%3Fx%3D1%23y",
    ]);
  });

  test.each([
    [
      { id: "00o1", pipeline: "idx", more: 1 },
      { id: "00o1", pipeline: "idx" },
    ],
    [{}, { id: null, pipeline: null }],
    [[], { id: null, pipeline: null }],
    [
      { id: "", pipeline: "" },
      { id: null, pipeline: null },
    ],
    [
      { id: 7, pipeline: "x".repeat(1000) },
      { id: null, pipeline: "x".repeat(100) },
    ],
  ])("the org as %j", async (body, expected) => {
    const { api } = harness([json(body)]);
    expect(await api.organization()).toEqual({ ok: true, value: expected });
  });
});
