/** A test of the connection on the console while it goes on, with the org's answers held back one by one. */

import { createExecutionContext, reset, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ConnectionTest } from "../../src/connection-test/index.ts";
import { consoleRoutes } from "../../src/console/index.tsx";
import { streamObjectName } from "../../src/contract/objects.ts";
import { createApp } from "../../src/http/app.ts";
import { makeSession, sessionSeconds } from "../../src/http/auth/session.ts";
import { readConfig } from "../../src/http/config.ts";
import { placementOf, registryOf } from "../../src/registry/index.ts";
import { apiKey, createOrg, type TestOrg } from "../support/org.ts";

const CONNECTION = "t14";
const canary = "canary-0123456789-0123456789-0123456789";
const path = `/console/connection/test?connection=${CONNECTION}`;
const origin = "https://connector.example.com";

let org: TestOrg;
/** What is held back, by path or host. */
let held = new Map<string, PromiseWithResolvers<void>>();

beforeEach(async () => {
  held = new Map();
  org = await createOrg(CONNECTION, { users: 12, groups: 4, devices: 3, limits: "published" });
});
afterEach(() => reset());

const hold = (what: string): (() => void) => {
  const gate = Promise.withResolvers<void>();
  held.set(what, gate);
  return gate.resolve;
};

/** The world as it is, but for what is held back, and a receiver of events that takes everything. */
const heldFetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
  const { host, pathname } = new URL(input instanceof Request ? input.url : input);
  await (held.get(pathname) ?? held.get(host))?.promise;
  return host === "siem.example.com" ? new Response("{}") : fetch(input, init);
};

const config = readConfig({
  ...env,
  SINKS: JSON.stringify([
    { type: "http", name: "siem", url: "https://siem.example.com/events", format: "json" },
    { type: "http", name: "typo", url: "https://siem.example.com/events", fromat: "json" },
  ]),
});

const appOn = (overrides: object = {}) => {
  const app = createApp(
    {
      config: () => config,
      stream: (from, connection, stream) =>
        from.INVENTORY_STREAM.getByName(streamObjectName({ connection, stream })),
      registry: registryOf,
      placement: placementOf,
      now: Date.now,
      fetch: heldFetch,
    },
    [consoleRoutes],
  );
  return (request: Request, ctx: ExecutionContext) => app.fetch(request, { ...env, ...overrides }, ctx);
};

const cookieOf = async (key: string, at = Date.now()): Promise<string> =>
  `__Host-okta_edge_session=${await makeSession(key, at)}`;

const readKey = String(Reflect.get(env, "API_KEYS")).split("read:")[1] ?? "";

interface Sent {
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly overrides?: object;
}

/** The form as the script sends it. */
const send = async ({ form = {}, headers = {}, overrides = {} }: Sent = {}) => {
  const ctx = createExecutionContext();
  const request = new Request(`${origin}${path}`, {
    method: "POST",
    redirect: "manual",
    headers: {
      Accept: "application/x-ndjson, text/html;q=0.9",
      "Content-Type": "application/x-www-form-urlencoded",
      "Sec-Fetch-Site": "same-origin",
      Cookie: await cookieOf(apiKey()),
      ...headers,
    },
    body: new URLSearchParams(form).toString(),
  });
  return { response: await appOn(overrides)(request, ctx), ctx };
};

interface Part {
  readonly id: string;
  readonly html: string;
  readonly last?: true;
}

/** The parts, each when it is asked for. */
async function* partsOf({ body }: Response): AsyncGenerator<Part, undefined> {
  let rest = "";
  for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line);
  }
}

const nextOf = async (parts: AsyncGenerator<Part, undefined>): Promise<Part> => {
  const { value } = await parts.next();
  if (value === undefined) throw new Error("it ended");
  return value;
};

const allOf = async (response: Response): Promise<Part[]> => {
  const all: Part[] = [];
  for await (const part of partsOf(response)) all.push(part);
  return all;
};

const textOf = (html: string): string => html.replaceAll(/<[^>]*>/g, "");

/** Name and verdict of each line of the table. */
const verdictsIn = (html: string): Record<string, string> =>
  Object.fromEntries(
    [...html.matchAll(/<tr><th scope="row">(.*?)<\/th><td>(.*?)<\/td>/g)].map(
      ([, name = "", verdict = ""]) => [textOf(name), textOf(verdict)],
    ),
  );

const trying = "Testing…";
const none = {
  Users: trying,
  Groups: trying,
  "MFA factors": trying,
  "Admin roles": trying,
  Devices: trying,
  "System Log": trying,
  "Event hooks": trying,
  "Sink siem": trying,
  "Sink typo": trying,
};

/** Alike but for what no two tests have in common. */
const timeless = (html: string): string => html.replaceAll(/[\d,]+ ms|[\d,]+ of/g, "N");

describe("a test that goes on", () => {
  test("shows each verdict while later ones are held back, and ends as the plain answer", async () => {
    const release = {
      users: hold("/api/v1/users"),
      logs: hold("/api/v1/logs"),
      sink: hold("siem.example.com"),
    };
    const { response } = await send();
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("application/x-ndjson");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    const parts = partsOf(response);
    const first = await nextOf(parts);
    expect(first.id).toBe("main");
    expect(first.html).toContain("The connection is being tested…");
    expect(verdictsIn(first.html)).toEqual(none);
    // Whether hooks have come is known, and settings that are wrong need no trial.
    const early = { ...none, "Event hooks": "Unknown" };
    expect(verdictsIn((await nextOf(parts)).html)).toEqual(early);
    expect(verdictsIn((await nextOf(parts)).html)).toEqual({ ...early, "Sink typo": "Fails" });

    release.users();
    const users = await nextOf(parts);
    expect(users.id).toBe("result");
    expect(verdictsIn(users.html)).toEqual({ ...early, "Sink typo": "Fails", Users: "Works" });
    for (let others = 0; others < 3; others++) await nextOf(parts);
    const settled = { Users: "Works", Groups: "Works", "MFA factors": "Works", "Admin roles": "Works" };
    const known = { ...early, ...settled, Devices: "Works", "Sink typo": "Fails" };
    expect(verdictsIn((await nextOf(parts)).html)).toEqual(known);

    release.sink();
    expect(verdictsIn((await nextOf(parts)).html)).toEqual({ ...known, "Sink siem": "Works" });
    release.logs();
    const all = { ...known, "Sink siem": "Works", "System Log": "Works" };
    expect(verdictsIn((await nextOf(parts)).html)).toEqual(all);
    const last = await nextOf(parts);
    expect(last).toMatchObject({ id: "main", last: true });
    expect((await parts.next()).done).toBe(true);
    expect((await org.stats()).total).toBe(8);

    // Just what whoever has no script is shown.
    const plain = await send({ headers: { Accept: "text/html" } });
    expect(timeless(last.html)).toBe(timeless(await plain.response.text()));
    expect(last.html).not.toContain(trying);
  });

  test("ends with what the document of the API says, line by line", async () => {
    await org.restrict({ forbid: ["devices", "assignees"] });
    const last = (await allOf((await send()).response)).at(-1);
    const ctx = createExecutionContext();
    const request = new Request(`${origin}/v1/test-connection?connection=${CONNECTION}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${apiKey()}` },
    });
    const { checks } = await (await appOn()(request, ctx)).json<ConnectionTest>();
    const words = { pass: "Works", fail: "Fails", unknown: "Unknown" };
    expect(Object.values(verdictsIn(last?.html ?? ""))).toEqual(checks.map(({ status }) => words[status]));
    const text = textOf(last?.html ?? "")
      .replaceAll("&quot;", '"')
      .replaceAll("&#39;", "'")
      .replaceAll("&gt;", ">");
    for (const { message, remedy } of checks) expect(text).toContain(message + (remedy ?? ""));
    expect(checks.map(({ status }) => status)).toContain("fail");
  });

  test("of a candidate does the same, and repeats no secret", async () => {
    await org.restrict({ token: canary });
    const form = { candidate: "yes", base_url: org.origin, api_token: canary };
    const parts = await allOf((await send({ form })).response);
    expect(parts.length).toBeGreaterThan(8);
    expect(parts[0]?.html).toContain("The candidate is being tested…");
    expect(verdictsIn(parts.at(-1)?.html ?? "")).toMatchObject({ Users: "Works", "System Log": "Works" });
    const wrong = { ...form, api_token: `${canary}-wrong`, client_id: "", key_id: "" };
    const refused = await allOf((await send({ form: wrong })).response);
    expect(verdictsIn(refused.at(-1)?.html ?? "")).toMatchObject({ Users: "Fails", Groups: "Unknown" });
    expect(JSON.stringify([...parts, ...refused])).not.toContain("canary");
  });

  test("that cannot begin is answered by a page", async () => {
    const form = { candidate: "yes", base_url: "https://evil.example.com", api_token: canary };
    const { response } = await send({ form });
    expect(response.status).toBe(400);
    expect(response.headers.get("Content-Type")).toContain("text/html");
    const html = await response.text();
    expect(html).toContain("base_url");
    expect(html).not.toContain("canary");
  });

  test("that breaks off inside says why, as the last thing", async () => {
    const getByName = () => {
      throw Object.assign(new Error("secret inside"), { retryable: true });
    };
    const overrides = { OKTA_GATE: { getByName } };
    const parts = await allOf((await send({ overrides })).response);
    expect(parts.at(-1)).toMatchObject({ id: "main", last: true });
    const html = parts.at(-1)?.html ?? "";
    expect(html).toContain("Temporarily unavailable");
    expect(html).not.toContain("secret inside");
  });

  test("goes to its end when nobody looks any more, and gives its permits back", async () => {
    const release = hold("/api/v1/logs");
    const { response, ctx } = await send();
    const parts = partsOf(response);
    await nextOf(parts);
    await parts.return(undefined);
    release();
    await waitOnExecutionContext(ctx);
    expect((await org.stats()).total).toBe(8);
    const again = await allOf((await send()).response);
    expect(verdictsIn(again.at(-1)?.html ?? "")).toMatchObject({ Users: "Works", "System Log": "Works" });
  });
});

describe("nobody else gets one", () => {
  test.each([
    ["a page of another site", { "Sec-Fetch-Site": "cross-site" }, 403, null],
    ["a page of another host of the same site", { "Sec-Fetch-Site": "same-site" }, 403, null],
    ["nobody's session", { Cookie: "" }, 303, "/console/sign-in"],
    ["a forged session", { Cookie: "__Host-okta_edge_session=1.2.3" }, 303, "/console/sign-in"],
  ] as const)("%s", async (_, headers, status, location) => {
    const { response } = await send({ headers });
    expect([response.status, response.headers.get("Location")]).toEqual([status, location]);
    expect(await response.text()).not.toContain("data-trying");
    expect((await org.stats()).total).toBe(0);
  });

  test("a session that is over", async () => {
    const Cookie = await cookieOf(apiKey(), Date.now() - (sessionSeconds + 1) * 1000);
    const { response } = await send({ headers: { Cookie } });
    expect(response.status).toBe(303);
    expect(response.headers.get("Location")).toBe("/console/sign-in?reason=expired");
    expect((await org.stats()).total).toBe(0);
  });

  test("a read: key", async () => {
    const { response } = await send({ headers: { Cookie: await cookieOf(readKey) } });
    expect(response.status).toBe(403);
    expect((await org.stats()).total).toBe(0);
  });
});
