/** What the stream and the routes ask of deliveries, with objects that remember what they were asked. */
import { beforeEach, describe, expect, it } from "vitest";
import { sinkStatuses, snapshotSinks, wakeSinks } from "../../src/delivery/index.ts";
import { createApp } from "../../src/http/app.ts";
import { configOf } from "../../src/http/config.ts";
import type { AppDeps } from "../../src/http/deps.ts";
import { muteLog } from "../http/support.ts";

beforeEach(muteLog);

const key = "k".repeat(40);
const http = { type: "http", name: "siem", url: "https://siem.example.com/in" };
const lake = { type: "r2", name: "lake" };

const worldOf = (sinks: unknown, answers: Record<string, (...args: never[]) => unknown> = {}) => {
  const asked: [object: string, method: string, ...args: unknown[]][] = [];
  const stub = (name: string) =>
    new Proxy(
      {},
      {
        get:
          (_, method) =>
          async (...args: never[]) => {
            asked.push([name, String(method), ...args]);
            return answers[String(method)]?.(...args);
          },
      },
    );
  const env = {
    OKTA_BASE_URL: "https://company.okta.com",
    OKTA_API_TOKEN: "00token",
    API_KEYS: `${key},read:${"r".repeat(40)}`,
    SINKS: typeof sinks === "string" ? sinks : JSON.stringify(sinks),
    EVENTS: {},
    SINK_DELIVERY: { getByName: stub },
  };
  // Only what delivery looks at is there.
  return { asked, env: env as unknown as Env };
};

const wake = (env: Env, known: string[], stream: "users" | "devices" = "users") =>
  wakeSinks({ env, connection: "default", stream, head: 7, known });

const identity = (sink: string) => ({ connection: "default", stream: "users", sink });

describe("wakeSinks", () => {
  it("wakes the sinks that take the stream and remembers them", async () => {
    const { asked, env } = worldOf([http, { ...lake, streams: ["devices"] }]);
    expect(await wake(env, [])).toEqual({ known: ["siem"] });
    expect(asked).toEqual([["default/users/siem", "wake", identity("siem"), 7]]);
  });

  it("wakes only the sinks that are for the connection, and retires what one has that no longer is", async () => {
    const { asked, env } = worldOf([
      { ...http, connections: ["default"] },
      { ...http, name: "other", connections: ["acme"] },
    ]);
    Reflect.set(
      env,
      "CONNECTIONS",
      JSON.stringify([{ id: "acme", base_url: "https://acme.okta.com", secret_prefix: "ACME_" }]),
    );
    expect(await wake(env, ["siem", "other"])).toEqual({ known: ["siem"] });
    expect(asked.map(([name, method]) => [name, method])).toEqual([
      ["default/users/other", "retire"],
      ["default/users/siem", "wake"],
    ]);
  });

  it("retires a sink that was removed, renamed, or no longer takes the stream", async () => {
    const { asked, env } = worldOf([http, { ...lake, streams: ["devices"] }]);
    expect(await wake(env, ["siem", "old", "lake"])).toEqual({ known: ["siem"] });
    expect(asked.filter(([, method]) => method === "retire")).toEqual([
      ["default/users/old", "retire"],
      ["default/users/lake", "retire"],
    ]);
  });

  it.each<[string, unknown]>([
    ["is refused for a wrong setting", [{ ...http, url: "http://siem.example.com" }]],
    ["may stand under an entry without a usable name", [{ ...http, name: "si em" }]],
    ["stands in a setting that is not JSON", "[{"],
  ])("leaves alone what a sink has while it %s", async (_, sinks) => {
    const { asked, env } = worldOf(sinks);
    expect(await wake(env, ["siem"])).toEqual({ known: ["siem"] });
    expect(asked).toEqual([]);
  });

  it("is not held up by a refused sink of another name, whatever that name", async () => {
    const { asked, env } = worldOf([{ ...http, name: "SINKS-eu", url: "http://siem.example.com" }]);
    expect(await wake(env, ["old"])).toEqual({ known: [] });
    expect(asked).toEqual([["default/users/old", "retire"]]);
  });

  it("tries again to retire what could not be retired, and never throws", async () => {
    const fail = () => Promise.reject(new Error("the object was reset"));
    const { env } = worldOf([http], { retire: fail, wake: fail });
    expect(await wake(env, ["old"])).toEqual({ known: ["siem", "old"] });
  });
});

describe("snapshotSinks", () => {
  it("asks the sinks that keep whole inventories", async () => {
    const { asked, env } = worldOf([http, lake]);
    await snapshotSinks({ env, connection: "default", stream: "users", runId: "run-1", only: null });
    expect(asked).toEqual([["default/users/lake", "snapshot", identity("lake"), "run-1"]]);
  });
});

describe("sinkStatuses", () => {
  const status = { name: "siem", type: "http", state: "ok", position: 7 };

  it("lists every sink of the stream, and refused ones with what is wrong", async () => {
    const wrong = { ...http, name: "wrong", url: "https://10.0.0.1/" };
    const { env } = worldOf([http, wrong, { ...lake, streams: ["devices"] }], { status: () => status });
    expect(await sinkStatuses(env, "default", "users", 7)).toEqual([
      status,
      {
        name: "wrong",
        type: "http",
        state: "stopped",
        position: 0,
        lag_events: 7,
        lag_seconds: 0,
        last_error: expect.stringMatching(/^SINKS\[1\]\.url: .*private/),
        next_try_at: null,
        dead_letters: 0,
      },
    ]);
  });

  it("names every sink once, whatever is wrong with the setting", async () => {
    const { env } = worldOf([http, { ...lake, name: "siem" }, 1], { status: () => status });
    const names = (await sinkStatuses(env, "default", "users", 7)).map(({ name }) => name);
    expect(names).toEqual(["siem", "SINKS[2]"]);
  });

  it("does not wait for an object that fails", async () => {
    const { env } = worldOf([http], { status: () => Promise.reject(new Error("reset")) });
    expect(await sinkStatuses(env, "default", "users", 7)).toMatchObject([
      { name: "siem", state: "retrying", last_error: expect.stringContaining("in time") },
    ]);
  });
});

describe("routes", () => {
  const call = async (
    world: ReturnType<typeof worldOf>,
    method: string,
    path: string,
    body?: unknown,
    bearer = key,
  ) => {
    const deps: AppDeps = {
      config: configOf,
      stream: () => expect.fail("no stream is needed"),
      registry: () => expect.fail("no registry is needed"),
      placement: async () => ({ ok: true, value: null }),
      now: () => 0,
      fetch: () => expect.fail("no network is needed"),
    };
    const response = await createApp(deps).request(
      `https://connector.example.com/v1/streams/users/sinks/${path}`,
      {
        method,
        headers: {
          authorization: `Bearer ${bearer}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      world.env,
    );
    const text = new TextDecoder().decode(await response.arrayBuffer());
    return { status: response.status, body: JSON.parse(text) };
  };
  const letters = { dead_letters: [], total: 0, next: null };
  const setUp = (sinks: unknown = [http]) =>
    worldOf(sinks, {
      replay: (_: never, after: number) =>
        after > 7
          ? { ok: false, error: { code: "conflict", message: "The sink stands at 7." } }
          : { ok: true, value: { position: after } },
      deadLetters: () => letters,
      settleDeadLetters: () => 3,
    });

  it("replay moves the cursor back", async () => {
    const world = setUp();
    expect(await call(world, "POST", "siem/replay", { after: 3 })).toEqual({
      status: 202,
      body: { position: 3 },
    });
    expect(world.asked).toEqual([["default/users/siem", "replay", identity("siem"), 3]]);
    expect(await call(world, "POST", "siem/replay", { after: 8 })).toMatchObject({
      status: 409,
      body: { code: "conflict", detail: "The sink stands at 7." },
    });
  });

  it.each([{}, { after: -1 }, { after: 1.5 }, { after: "1" }, { after: 1, before: 2 }, []])(
    "replay refuses %j",
    async (body) => {
      expect(await call(setUp(), "POST", "siem/replay", body)).toMatchObject({
        status: 400,
        body: { code: "invalid_request" },
      });
    },
  );

  it("dead letters are listed in pages", async () => {
    const world = setUp();
    expect(await call(world, "GET", "siem/dead-letters?after=5&limit=2")).toEqual({
      status: 200,
      body: letters,
    });
    expect(world.asked).toEqual([["default/users/siem", "deadLetters", 5, 2]]);
    expect(await call(world, "GET", "siem/dead-letters?limit=0")).toMatchObject({ status: 400 });
  });

  it.each<[unknown, "retry" | "drop", string[] | null]>([
    [undefined, "retry", null],
    [{}, "retry", null],
    [{ action: "retry", ids: ["default/users/u1/4"] }, "retry", ["default/users/u1/4"]],
    [{ action: "drop" }, "drop", null],
  ])("dead letters are settled by %j", async (body, action, ids) => {
    const world = setUp();
    expect(await call(world, "POST", "siem/dead-letters", body)).toEqual({
      status: 202,
      body: { action, count: 3 },
    });
    expect(world.asked).toEqual([["default/users/siem", "settleDeadLetters", action, ids]]);
  });

  it.each([{ action: "delete" }, { ids: [] }, { ids: [1] }, { id: "x" }])(
    "dead letters refuse %j",
    async (body) => {
      expect(await call(setUp(), "POST", "siem/dead-letters", body)).toMatchObject({ status: 400 });
    },
  );

  it("know no other sink, and say what is wrong with one that is refused", async () => {
    expect(await call(setUp(), "POST", "other/replay", { after: 0 })).toMatchObject({
      status: 404,
      body: { code: "not_found" },
    });
    const world = setUp([{ ...http, url: "http://siem.example.com" }]);
    expect(await call(world, "POST", "siem/replay", { after: 0 })).toMatchObject({
      status: 503,
      body: { code: "misconfigured", problems: [{ setting: "SINKS[0].url" }] },
    });
  });

  it.each([
    ["is not JSON", "[{"],
    ["is not a list", '{"type": "http"}'],
  ])("say that SINKS %s, whatever sink is asked for", async (_, sinks) => {
    for (const [method, path, body] of [
      ["POST", "siem/replay", { after: 0 }],
      ["GET", "siem/dead-letters", undefined],
      ["POST", "siem/dead-letters", undefined],
    ] as const) {
      expect(await call(setUp(sinks), method, path, body)).toMatchObject({
        status: 503,
        body: {
          code: "misconfigured",
          detail: expect.stringMatching(/SINKS.*JSON.*looks like \[\{/),
          problems: [{ setting: "SINKS", message: expect.stringContaining("looks like [{") }],
        },
      });
    }
  });

  it("let a read key look, not act", async () => {
    const read = "r".repeat(40);
    expect(await call(setUp(), "GET", "siem/dead-letters", undefined, read)).toMatchObject({ status: 200 });
    expect(await call(setUp(), "POST", "siem/dead-letters", undefined, read)).toMatchObject({ status: 403 });
    expect(await call(setUp(), "POST", "siem/replay", { after: 0 }, read)).toMatchObject({ status: 403 });
  });
});
