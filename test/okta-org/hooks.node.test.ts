/** Event hooks of the simulated org: registered, verified and delivered as Okta does it. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createOktaOrg, type OktaOrg } from "../../dev/okta-org/index.ts";
import type { OrgOptionsInput } from "../../dev/okta-org/options.ts";

const SECRET = "the secret";

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly data: { readonly events: readonly { readonly uuid: string; readonly eventType: string }[] };
  };
}

let received: Received[] = [];
/** What the receiver answers deliveries with, one after another; the last one stays. */
let answers: number[] = [204];
let server: Server;
let uri = "";

beforeEach(async () => {
  received = [];
  answers = [204];
  server = createServer((request, response) => {
    if (request.method === "GET") {
      const verification = request.headers["x-okta-verification-challenge"];
      const known = request.headers.authorization === SECRET;
      response.writeHead(known ? 200 : 401).end(JSON.stringify({ verification }));
      return;
    }
    let text = "";
    request.on("data", (part) => {
      text += part;
    });
    request.on("end", () => {
      received.push({ headers: request.headers, body: JSON.parse(text) });
      response.writeHead((answers.length > 1 ? answers.shift() : answers[0]) ?? 204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  uri = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/hook`;
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const ask = async (org: OktaOrg, method: string, path: string, body?: unknown) => {
  const response = await org.fetch(
    new Request(`https://acme.okta.com${path}`, {
      method,
      headers: { authorization: "SSWS sim-token" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
};

const hookBody = (value = SECRET) => ({
  name: "a hook",
  events: { type: "EVENT_TYPE", items: ["user.lifecycle.suspend", "user.lifecycle.unsuspend"] },
  channel: {
    type: "HTTP",
    version: "1.0.0",
    config: { uri, authScheme: { type: "HEADER", key: "authorization", value } },
  },
});

const orgWithHook = async (options: OrgOptionsInput = {}): Promise<{ org: OktaOrg; id: string }> => {
  const org = createOktaOrg({ users: 5, groups: 1, devices: 0, ...options });
  const made = await ask(org, "POST", "/api/v1/eventHooks", hookBody());
  expect(made).toMatchObject({ status: 200, body: { status: "ACTIVE", verificationStatus: "UNVERIFIED" } });
  expect(JSON.stringify(made.body)).not.toContain(SECRET);
  return { org, id: made.body.id };
};

const verified = async (options?: OrgOptionsInput): Promise<OktaOrg> => {
  const { org, id } = await orgWithHook(options);
  const answer = await ask(org, "POST", `/api/v1/eventHooks/${id}/lifecycle/verify`);
  expect(answer).toMatchObject({ status: 200, body: { verificationStatus: "VERIFIED" } });
  return org;
};

/** Suspends someone and takes that back. @returns the uuids of the two events */
const change = async (org: OktaOrg): Promise<string[]> => {
  const user = org.dump().users.find(({ status }) => status === "ACTIVE");
  const before = org.state.log.head();
  for (const verb of ["suspend", "unsuspend"]) await ask(org, "POST", `/_org/users/${user?.id}/${verb}`);
  return org.state.log
    .entries()
    .slice(before)
    .map(({ event }) => event.uuid);
};

const uuids = (): string[] => received.flatMap(({ body }) => body.data.events.map(({ uuid }) => uuid));

describe("an event hook", () => {
  test("tells nothing before it is verified, and is not verified with a wrong secret", async () => {
    const { org, id } = await orgWithHook();
    await change(org);
    const wrong = await ask(org, "POST", "/api/v1/eventHooks", hookBody("another"));
    const refused = await ask(org, "POST", `/api/v1/eventHooks/${wrong.body.id}/lifecycle/verify`);
    expect(refused).toMatchObject({ status: 400, body: { errorCode: "E0000001" } });
    expect((await ask(org, "DELETE", `/api/v1/eventHooks/${wrong.body.id}`)).status).toBe(204);
    expect((await ask(org, "GET", "/api/v1/eventHooks")).body.map((hook: { id: string }) => hook.id)).toEqual(
      [id],
    );
    expect(received).toEqual([]);
  });

  test("delivers the log's events of its types, with the secret as it is", async () => {
    const org = await verified();
    const told = await change(org);
    await vi.waitFor(() => expect(uuids().sort()).toEqual(told.sort()));
    expect(received[0]?.headers.authorization).toBe(SECRET);
    expect(received[0]?.body).toMatchObject({ eventType: "com.okta.event_hook" });
    // Nobody has subscribed to it.
    await ask(org, "POST", `/_org/users/${org.dump().users[0]?.id}/sign-in`);
    expect(org.stats().hooks).toEqual({ delivered: 2, refused: 0, retried: 0, lost: 0 });
  });

  test("delivers the event that the log has, with who did it and from where", async () => {
    const org = await verified();
    const [owner, user] = org.dump().users.filter(({ status }) => status === "ACTIVE");
    const author = { actor: owner?.id, ip: "198.51.100.7" };
    const changed = await ask(org, "POST", `/_org/users/${user?.id ?? owner?.id}/suspend`, author);
    expect(changed.status).toBe(200);
    await vi.waitFor(() => expect(received).toHaveLength(1));
    const [delivered] = received[0]?.body.data.events ?? [];
    expect(delivered).toEqual(org.state.log.entries()[0]?.event);
    expect(delivered).toMatchObject({ actor: { id: owner?.id }, client: { ipAddress: author.ip } });
  });

  test.each([
    ["a 5xx once", [503, 204, 204], { delivered: 2, refused: 0, retried: 1 }],
    ["a 5xx for good", [500], { delivered: 0, refused: 2, retried: 2 }],
    ["a 4xx", [401], { delivered: 0, refused: 2, retried: 0 }],
  ])("is tried once more at most, after a 5xx: %s", async (_, given, expected) => {
    answers = [...given];
    const org = await verified();
    await change(org);
    await vi.waitFor(() => expect(org.stats().hooks).toMatchObject(expected));
  });

  test("may be lost, or come twice", async () => {
    const lossy = await verified({ hookLoss: 1 });
    await change(lossy);
    expect(lossy.stats().hooks).toMatchObject({ lost: 2, delivered: 0 });
    const doubling = await verified({ hookDoubles: 1 });
    await change(doubling);
    await vi.waitFor(() => expect(doubling.stats().hooks).toMatchObject({ delivered: 4 }));
  });
});
