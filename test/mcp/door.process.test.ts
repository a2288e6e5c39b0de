/** The door of `/mcp` in the real runtime: who is let in by which name, and what is left behind of a call. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Json } from "../support/expected.ts";
import { KEY, WorkerProcess } from "../support/worker-process.ts";
import { ask, callOf, initialize, modernCallOf, type RawAnswer } from "./wire.ts";

const READ_KEY = "read-key-0123456789-0123456789-01234567";
const NAME = "connector.example.com";
/** Longer than anything that works takes. */
const PATIENCE_MS = 60_000;

const full = { authorization: `Bearer ${KEY}` };
const hello = initialize("2025-06-18");

let worker: WorkerProcess;
beforeAll(async () => {
  worker = await WorkerProcess.create(inject("build"), {
    // Nothing listens there, and nothing here asks Okta.
    OKTA_BASE_URL: "http://127.0.0.1:9",
    OKTA_API_TOKEN: "sim-token",
    API_KEYS: `${KEY},read:${READ_KEY}`,
  });
  await worker.start();
});
afterAll(() => worker?.remove());

const expectProblem = (answer: RawAnswer, status: number, code: string): void => {
  expect(answer).toMatchObject({ status, messages: [{ status, code }] });
};
const expectWelcome = ({ status, messages }: RawAnswer): void => {
  expect(status).toBe(200);
  expect(messages).toMatchObject([{ id: 1, result: { serverInfo: { name: "okta-edge-connector" } } }]);
};
const says = (headers: Readonly<Record<string, string>>, body: unknown = hello): Promise<RawAnswer> =>
  ask(worker.url, { headers, body });

describe("keys", () => {
  test("without a key", async () => {
    const answer = await says({});
    expectProblem(answer, 401, "unauthorized");
    expect(answer.headers["www-authenticate"]).toMatch(/^Bearer realm="[^"]+"$/);
  });

  test.each(["Bearer wrong-key-0123456789-0123456789-0123456", `Basic ${btoa(`key:${KEY}`)}`])(
    "with another: %s",
    async (authorization) => {
      const answer = await says({ authorization });
      expectProblem(answer, 401, "unauthorized");
      expect(answer.headers["www-authenticate"]).toMatch(/^Bearer realm="[^"]+"/);
    },
  );

  test.each([
    ["full rights", KEY],
    ["only reading", READ_KEY],
  ])("with %s", async (_rights, key) => {
    const authorization = `Bearer ${key}`;
    expectWelcome(await says({ authorization }));
    const { messages } = await says({ authorization }, callOf("inventory_health", {}));
    expect(messages).toMatchObject([{ id: 2, result: { structuredContent: { streams: [{}, {}] } } }]);
    expect(messages[0]?.["result"]).not.toHaveProperty("isError", true);
  });
});

describe("what is asked", () => {
  test.each(["GET", "DELETE", "PUT"])("%s", async (method) => {
    const answer = await ask(worker.url, { method, headers: full });
    expectProblem(answer, 405, "method_not_allowed");
    expect(answer.headers.allow).toBe("POST");
  });

  const ofSize = (bytes: number) => {
    const empty = JSON.stringify(callOf("inventory_health", {}));
    return empty + " ".repeat(bytes - empty.length);
  };
  test("a body of 256 KiB, and of one byte more", async () => {
    expect(await says(full, ofSize(256 * 1024))).toMatchObject({ status: 200, messages: [{ id: 2 }] });
    expectProblem(await says(full, ofSize(256 * 1024 + 1)), 413, "payload_too_large");
  });

  test("a body that does not say how large it is", async () => {
    const headers = { ...full, "transfer-encoding": "chunked" };
    expect(await says(headers, ofSize(256 * 1024))).toMatchObject({ status: 200, messages: [{ id: 2 }] });
    expectProblem(await says(headers, ofSize(256 * 1024 + 1)), 413, "payload_too_large");
  });
});

describe("what is left of a call", () => {
  interface Line {
    readonly event: string;
    readonly request_id?: string;
    readonly tools?: string;
  }
  const logged = (): Line[] =>
    worker.output.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));

  const until = async <T>(look: () => Promise<T> | T, isWanted: (value: T) => boolean): Promise<T> => {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const value = await look();
      if (isWanted(value)) return value;
      if (Date.now() > deadline) throw new Error(`not in time: ${JSON.stringify(value)}`);
      await sleep(25);
    }
  };

  /** The log line of a request. */
  const lineOf = async ({ headers }: RawAnswer): Promise<Line> => {
    const id = headers["x-request-id"];
    const find = () => logged().find((line) => line.event === "request" && line.request_id === id);
    return (await until(find, (line) => line !== undefined)) ?? expect.fail();
  };

  const counts = async (): Promise<string[]> => {
    const text = await (await worker.request("GET", "/metrics")).text();
    return text.split("\n").filter((line) => line.startsWith("okta_edge_tool_calls_total{"));
  };
  const countOf = (lines: readonly string[], labels: string): number =>
    Number(
      lines
        .find((line) => line.includes(`{${labels}}`))
        ?.split(" ")
        .at(-1) ?? 0,
    );

  const calls: readonly (readonly [what: string, tool: string, args: Json, outcome: string])[] = [
    ["a call", "find_accounts", { q: "hush.person" }, "ok"],
    ["one about nobody", "explain_account", { account: "hush.person@example.com" }, "ok"],
    ["an argument that contradicts another", "find_accounts", { q: "hush.person", order: "desc" }, "refused"],
    ["a wrong argument", "posture", { check: "hush.person" }, "refused"],
    ["an unknown argument", "recent_changes", { "hush.person": true }, "refused"],
    ["an unknown connection", "list_administrators", { connection: "hush.person" }, "refused"],
  ];

  test("the log line names the tool, the counters count it, and neither tells of an argument", async () => {
    for (const [what, tool, args] of calls) {
      const { headers, body } = modernCallOf(tool, args);
      const answers = [await says(full, callOf(tool, args)), await says({ ...full, ...headers }, body)];
      for (const answer of answers) {
        expect(await lineOf(answer), what).toMatchObject({
          method: "POST",
          route: "/mcp",
          status: 200,
          caller: "key",
          tools: tool,
        });
      }
    }
    const perCall = async (): Promise<number[]> => {
      const lines = await counts();
      return calls.map(([, tool, , outcome]) =>
        countOf(lines, `tool="${tool}",key="API_KEYS[0]",outcome="${outcome}"`),
      );
    };
    await until(perCall, (values) => values.every((value) => value === 2));
    expect((await counts()).join()).not.toContain("hush");
    expect(worker.output).not.toContain("hush");
  });

  test("several calls in one request, with another key", async () => {
    const authorization = `Bearer ${READ_KEY}`;
    const answer = await says({ authorization }, [
      callOf("find_accounts", { q: "hush.person" }, 1),
      callOf("device_owner", { device: "hush.device" }, 2),
    ]);
    const { tools = "" } = await lineOf(answer);
    expect(tools.split(",").sort()).toEqual(["device_owner", "find_accounts"]);
    const lines = await until(
      counts,
      (all) => countOf(all, 'tool="device_owner",key="API_KEYS[1]",outcome="ok"') === 1,
    );
    expect(countOf(lines, 'tool="find_accounts",key="API_KEYS[1]",outcome="ok"')).toBe(1);
    expect(lines.join()).not.toContain("hush");
    expect(worker.output).not.toContain("hush");
  });

  test("a tool that there is not", async () => {
    const answer = await says(full, callOf("hush_tool", {}));
    expect(answer.messages).toMatchObject([{ id: 2, error: { code: -32602 } }]);
    expect((await lineOf(answer)).tools).toBe("");
    expect((await counts()).join()).not.toContain("hush");
  });
});

/** Each begins with a start of the Worker with other settings. */
describe("names", () => {
  const restart = async (settings: Readonly<Record<string, string>>): Promise<void> => {
    await worker.kill();
    await worker.start(settings);
  };
  const local = (): string => new URL(worker.url).host;

  test("on a developer's machine, as npm start has it", async () => {
    const { port } = new URL(worker.url);
    expectWelcome(await says({ ...full, host: `localhost:${port}` }));
    expectWelcome(await says({ ...full, origin: worker.url }));
    // A page of another site, by its own name or by one that leads here.
    expectProblem(await says({ ...full, origin: "https://evil.example.com" }), 403, "foreign_host");
    expectProblem(await says({ ...full, origin: "null" }), 403, "foreign_host");
    expectProblem(await says({ ...full, host: "evil.example.com" }), 403, "foreign_host");
    const rebound = { host: `evil.example.com:${port}`, origin: `http://evil.example.com:${port}` };
    expectProblem(await says({ ...full, ...rebound }), 403, "foreign_host");
    // Names are looked at before keys.
    expectProblem(await says(rebound), 403, "foreign_host");
  });

  test("on a developer's machine, with PUBLIC_URL", async () => {
    await restart({ PUBLIC_URL: `https://${NAME}` });
    expectWelcome(await says(full));
    expectWelcome(await says({ ...full, host: NAME }));
    expectProblem(await says({ ...full, host: "evil.example.com" }), 403, "foreign_host");
  });

  test("deployed, with PUBLIC_URL", async () => {
    await restart({ PUBLIC_URL: `https://${NAME}`, ALLOW_LOOPBACK: "" });
    expectWelcome(await says({ ...full, host: NAME }));
    expectWelcome(await says({ ...full, host: NAME, origin: `https://${NAME}` }));
    expectProblem(
      await says({ ...full, host: NAME, origin: "https://evil.example.com" }),
      403,
      "foreign_host",
    );
    expectProblem(await says({ ...full, host: "evil.example.com" }), 403, "foreign_host");
    expectProblem(await says({ ...full, host: local() }), 403, "foreign_host");
  });

  test("deployed, without PUBLIC_URL", async () => {
    await restart({ PUBLIC_URL: "", ALLOW_LOOPBACK: "" });
    expectWelcome(await says({ ...full, host: NAME }));
    expectProblem(
      await says({ ...full, host: NAME, origin: "https://evil.example.com" }),
      403,
      "foreign_host",
    );
    expectProblem(await says({ ...full, host: local() }), 403, "foreign_host");
  });
});
