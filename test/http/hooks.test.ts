/** Okta's event hooks at the door: who may send them, what is taken, and what is believed. */
import { describe, expect, test, vi } from "vitest";
import { devices } from "../../src/streams/devices.ts";
import { hookedTypes } from "../../src/streams/log-effects.ts";
import { users } from "../../src/streams/users.ts";
import { fakeStream, fullKey, goodSettings, makeApp, muteLog, problemOf } from "./support.ts";

const SECRET = "hook-secret-0123456789-0123456789-0123";
const NEXT = "next-secret-0123456789-0123456789-0123";
const ACME = "acme-secret-0123456789-0123456789-0123";
const path = "/v1/hooks/okta";

const settings = {
  ...goodSettings,
  OKTA_HOOK_SECRET: `${SECRET}, ${NEXT}`,
  CONNECTIONS: JSON.stringify([
    { id: "acme", base_url: "https://acme.okta.com", secret_prefix: "ACME_" },
    { id: "bare", base_url: "https://bare.okta.com", secret_prefix: "BARE_" },
  ]),
  ACME_API_TOKEN: "acme-token",
  ACME_HOOK_SECRET: ACME,
  BARE_API_TOKEN: "bare-token",
};

const make = (overrides: object = {}) => {
  const hooks = vi.fn(async (_stream: string, _uuids: readonly string[]) => {});
  const stream = vi.fn((_env: Env, connection: string, name: "users" | "devices") => ({
    ...fakeStream(connection, name),
    hook: (uuids: readonly string[]) => hooks(`${connection}/${name}`, uuids),
  }));
  const { call } = makeApp({ settings: { ...settings, ...overrides }, stream });
  const send = (method: string, where = path, { secret = SECRET, ...options }: Sent = {}) =>
    call(method, where, {
      key: null,
      ...options,
      headers: { ...(secret === null ? {} : { Authorization: secret }), ...options.headers },
    });
  return { send, hooks, stream };
};

interface Sent {
  readonly secret?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const hookOf = (...eventTypes: string[]) => ({
  eventType: "com.okta.event_hook",
  eventId: "b5a188b9",
  data: { events: eventTypes.map((eventType, n) => ({ uuid: `uuid-${n}`, eventType })) },
});

const challenge = { "x-okta-verification-challenge": "the challenge" };

describe("the secret", () => {
  test.each([
    ["the first one", path, SECRET],
    ["the one that is to take its place", path, NEXT],
    ["another connection's own", `${path}?connection=acme`, ACME],
  ])("%s opens the door", async (_, where, secret) => {
    const { send } = make();
    const verified = await send("GET", where, { secret, headers: challenge });
    expect(verified.status).toBe(200);
    expect(await verified.json()).toEqual({ verification: "the challenge" });
    expect((await send("POST", where, { secret, body: hookOf("user.lifecycle.suspend") })).status).toBe(204);
  });

  test.each([
    ["none", path, null],
    ["a wrong one", path, `${SECRET}x`],
    ["both at once, as the setting has them", path, `${SECRET}, ${NEXT}`],
    ["it as a bearer key", path, `Bearer ${SECRET}`],
    ["a key to the API", path, `Bearer ${fullKey}`],
    ["another connection's", `${path}?connection=acme`, SECRET],
    ["any for a connection without one", `${path}?connection=bare`, SECRET],
    ["an empty one for a connection without one", `${path}?connection=bare`, ""],
    ["any for a connection that there is not", `${path}?connection=nobody`, SECRET],
  ])("%s is one and the same 401, and wakes nothing", async (_, where, secret) => {
    muteLog();
    const { send, stream } = make();
    const problems = await Promise.all(
      [
        await send("GET", where, { secret, headers: challenge }),
        await send("POST", where, { secret, body: hookOf("user.lifecycle.suspend") }),
        // Before the body is read, whatever it is.
        await send("POST", where, { secret, body: "x".repeat(2 ** 21) }),
      ].map(problemOf),
    );
    for (const { instance, ...problem } of problems) {
      expect(problem).toEqual({
        type: "/docs#problem-unauthorized",
        code: "unauthorized",
        title: "No valid key",
        status: 401,
        detail: expect.stringContaining("OKTA_HOOK_SECRET"),
      });
      expect(instance).not.toBe("");
    }
    expect(stream).not.toHaveBeenCalled();
  });

  test.each([
    ["short", "at least 32 characters"],
    [`${SECRET},${NEXT},${ACME}`, "2 comma-separated secrets at most"],
    [`${SECRET}é${NEXT}`, "ASCII"],
  ])("that is wrong is named and never told, and nothing else stops: %s", async (value, words) => {
    muteLog();
    const { send } = make({ OKTA_HOOK_SECRET: value });
    expect((await send("POST", path, { secret: value, body: hookOf() })).status).toBe(401);
    const status = await send("GET", "/v1/streams", { secret: `Bearer ${fullKey}` });
    expect(status.status).toBe(200);
    const text = await status.text();
    expect(text).toContain("OKTA_HOOK_SECRET");
    expect(text).toContain(words);
    expect(text).not.toContain(value);
  });
});

describe("a hook", () => {
  test.each([
    ["user.lifecycle.suspend", ["default/users"]],
    ["device.user.add", ["default/devices"]],
    ["device.lifecycle.suspend", ["default/users", "default/devices"]],
    ["system.import.user.update", []],
    ["user.session.start", []],
    ["policy.evaluate_sign_on", []],
    ["__proto__", []],
  ])("that names %s wakes %j", async (eventType, expected) => {
    const { send, hooks } = make();
    expect((await send("POST", path, { body: hookOf(eventType) })).status).toBe(204);
    expect(hooks.mock.calls).toEqual(expected.map((stream) => [stream, ["uuid-0"]]));
  });

  test("of thousands of events wakes whom the last one concerns, and passes on the newest hundred", async () => {
    const { send, hooks } = make();
    const { data } = hookOf(
      ...Array.from({ length: 3_000 }, () => "user.lifecycle.suspend"),
      "device.user.add",
    );
    expect((await send("POST", path, { body: { data } })).status).toBe(204);
    expect(hooks.mock.calls.map(([stream, uuids]) => [stream, uuids.length, uuids.at(-1)])).toEqual([
      ["default/users", 100, "uuid-2999"],
      ["default/devices", 1, "uuid-3000"],
    ]);
  });

  test("that names events of both wakes both, each with its own", async () => {
    const { send, hooks } = make();
    const body = hookOf("device.user.add", "user.session.start", "group.privilege.grant");
    await send("POST", `${path}?connection=acme`, { secret: ACME, body });
    expect(hooks.mock.calls).toEqual([
      ["acme/users", ["uuid-2"]],
      ["acme/devices", ["uuid-0"]],
    ]);
  });

  test.each([[{}], [{ data: null }], [{ data: { events: "many" } }]])(
    "whose form is new is taken for a sign that something has happened: %j",
    async (body) => {
      const { send, hooks } = make();
      expect((await send("POST", path, { body })).status).toBe(204);
      expect(hooks.mock.calls).toEqual([
        ["default/users", []],
        ["default/devices", []],
      ]);
    },
  );

  test("whose events are odd does no harm", async () => {
    const { send, hooks } = make();
    const events = [
      null,
      7,
      { eventType: 3 },
      { eventType: "user.lifecycle.suspend", uuid: "x".repeat(500) },
    ];
    expect((await send("POST", path, { body: { data: { events } } })).status).toBe(204);
    expect(hooks.mock.calls).toEqual([["default/users", []]]);
  });

  test("is answered even if the streams cannot be told", async () => {
    muteLog();
    const { send, hooks } = make();
    hooks.mockRejectedValue(new Error("not now"));
    expect((await send("POST", path, { body: hookOf("user.lifecycle.suspend") })).status).toBe(204);
  });

  test.each([
    ["GET", {}, 400, "invalid_request"],
    ["GET", { headers: { "x-okta-verification-challenge": "x".repeat(1_001) } }, 400, "invalid_request"],
    ["POST", { body: "{" }, 400, "malformed_json"],
    ["POST", { body: "[1]" }, 400, "invalid_request"],
    ["POST", { body: "{}", headers: { "Content-Type": "text/plain" } }, 415, "unsupported_media_type"],
    ["POST", { body: JSON.stringify({ text: "x".repeat(2 ** 20) }) }, 413, "payload_too_large"],
  ] as const)("%s %j is %i %s", async (method, sent, status, code) => {
    const { send, hooks } = make();
    expect(await problemOf(await send(method, path, sent))).toMatchObject({ status, code });
    expect(hooks).not.toHaveBeenCalled();
  });

  test("of more than 256 KiB, the bound of other bodies, is taken", async () => {
    const { send } = make();
    const body = { ...hookOf("user.lifecycle.suspend"), padding: "x".repeat(600_000) };
    expect((await send("POST", path, { body })).status).toBe(204);
  });
});

test("no stream subscribes to sign-ins, or to what Okta does not offer", () => {
  const types = [users, devices].flatMap(({ source }) => hookedTypes(source.logRules));
  expect(types).toContain("user.mfa.factor.reset_all");
  expect(types).toContain("device.enrollment.create");
  for (const never of [
    "user.session.start",
    "user.lifecycle.delete.completed",
    "user.account.update_primary_email",
    "user.account.update_user_type",
  ])
    expect(types).not.toContain(never);
  // Okta takes 300 types a hook at most.
  expect(types.length).toBeLessThanOrEqual(300);
});
