/**
 * Deliveries and look-ups that an earlier version has stored carry on where they stood: what sinks have received is not
 * sent again, and everything else is. See stored-versions.test.ts.
 */
import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { StreamName } from "../../src/contract/streams.ts";
import { call, partsOf, statusOf, sync, until } from "../support/org.ts";
import { resetClock } from "./stored-versions-clock.ts";
import {
  expectAnswersAsBefore,
  expectEndAsBefore,
  expectEqual,
  type Fixture,
  fixtures,
  goOn,
  load,
  statusThen,
  streamsOf,
} from "./stored-versions-support.ts";

const delivering = fixtures.filter(({ state }) => Object.keys(state.about.settings).length > 0);

// Settings must be there before any object reads them, because it reads them only once.
for (const {
  name: state,
  state: { about },
} of delivering)
  for (const [name, value] of Object.entries(about.settings)) {
    if (Reflect.get(env, name) !== undefined && Reflect.get(env, name) !== value)
      throw new Error(
        `${state} needs another ${name} than the states before: give it a test file of its own`,
      );
    Reflect.set(env, name, value);
  }

interface Received {
  readonly host: string;
  readonly path: string;
  readonly stream: string | null;
  readonly text: string;
}

let received: Received[];

/** Receivers that accept everything at once. */
const receive = ({ host, path }: Received): Response => {
  if (path.startsWith("/api/v1/tasks/")) return Response.json({ status: "FINISHED" });
  if (host === "api.sekoia.io") return Response.json({ task_id: "another" });
  if (path.endsWith("/ack")) return Response.json({ acks: { 7: true, 8: true } });
  return Response.json({ text: "Success", code: 0, ackId: 8 });
};

beforeEach(() => {
  received = [];
  const outside = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const request = new Request(input, init);
    const { hostname: host, pathname: path } = new URL(request.url);
    if (host.endsWith(".okta.com")) return outside(request);
    const got = { host, path, stream: request.headers.get("x-stream"), text: await request.text() };
    received.push(got);
    return receive(got);
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  resetClock();
  await reset();
});

/** The sequence numbers of the OCSF events in a text. Every wire format contains the ids that hold them. */
const sequencesIn = (text: string, stream: string): number[] =>
  [...text.matchAll(new RegExp(`"uid":"[^"/]+/${stream}/[^"/]+/(\\d+)"`, "g"))].map(([, n]) => Number(n));

const sequencesAt = (host: string, stream: string): number[] =>
  received.filter((got) => got.host === host).flatMap(({ text }) => sequencesIn(text, stream));

/** Where a sink stood, as the stored status answer says. */
const stoodAt = ({ state }: Fixture, stream: StreamName, sink: string): number => {
  const status = partsOf(statusThen(state, stream) ?? {}, "sinks").find(({ name }) => name === sink);
  if (status === undefined) throw new Error(`the status of ${stream} does not name ${sink}`);
  return Number(status["position"]);
};

const ended = (stream: StreamName, connection: string) =>
  until(
    connection,
    ({ sinks }) =>
      sinks.length > 0 && sinks.every(({ state, lag_events }) => state === "ok" && lag_events === 0),
    { stream },
  );

describe("a stored state with sinks", () => {
  test.each(delivering)("$name", async (fixture) => {
    const { state } = fixture;
    const { connection } = state.about;
    const org = await load(fixture);
    await expectAnswersAsBefore(state);
    expect(received).toEqual([]);

    await goOn(fixture, org);
    await expectEndAsBefore(state);
    await sync(connection, "delta", "devices");
    for (const stream of streamsOf(state)) {
      await expectEqual(org, stream);
      await ended(stream, connection);
      const page = await call(connection, "GET", `/v1/inventory/${stream}?after=0&limit=1000&dialect=ocsf`);
      const newest = sequencesIn(new TextDecoder().decode(await page.arrayBuffer()), stream);
      for (const [sink, host] of [
        ["siem", "siem.example.com"],
        ["soc", "soc.example.com"],
      ] as const) {
        const stood = stoodAt(fixture, stream, sink);
        const sent = sequencesAt(host, stream);
        expect({ sink, stream, again: sent.filter((sequence) => sequence <= stood) }).toMatchObject({
          again: [],
        });
        expect(new Set(sent).size).toBe(sent.length);
        expect(sent).toEqual(expect.arrayContaining(newest.filter((sequence) => sequence > stood)));
      }
    }
  });

  test.each(delivering)("$name: sinks are asked about what they have accepted", async (fixture) => {
    const { state } = fixture;
    const { connection } = state.about;
    const org = await load(fixture);
    await goOn(fixture, org);
    for (const stream of streamsOf(state)) await sync(connection, "delta", stream);
    for (const stream of streamsOf(state)) await ended(stream, connection);
    const asked = received.map(
      ({ host, path, text }) => `${host}${path} ${path.endsWith("/ack") ? text : ""}`,
    );
    // Sekoia.io is asked about its import, and Splunk about its acknowledgement; it does not get those events again.
    expect(asked.some((question) => question.startsWith("api.sekoia.io/api/v1/tasks/task-"))).toBe(true);
    expect(asked).toContain('splunk.example.com/services/collector/ack {"acks":[7]}');
    const [acknowledged] = sequencesAt("splunk.example.com", "users").sort((a, b) => a - b);
    expect(acknowledged ?? Number.POSITIVE_INFINITY).toBeGreaterThan(stoodAt(fixture, "users", "sekoia"));
    // The lake gets the snapshot of the full run that had just ended.
    const { last_full } = await statusOf(connection);
    // The generated types do not have this binding, because wrangler.toml ships without it.
    const { EVENTS } = env as unknown as { EVENTS: R2Bucket };
    const { objects } = await EVENTS.list({ prefix: "snapshots/" });
    expect(objects.map(({ key }) => key)).toContainEqual(
      expect.stringMatching(new RegExp(`run=${last_full?.id}/.*manifest\\.json$`)),
    );
  });

  test.each(delivering)("$name: dead letters can be sent again", async (fixture) => {
    const { state } = fixture;
    const { connection } = state.about;
    const org = await load(fixture);
    await goOn(fixture, org);
    const path = "/v1/streams/users/sinks/siem/dead-letters";
    const { dead_letters }: { dead_letters: [{ sequence: number; asset_id: string }] } = await (
      await call(connection, "GET", path)
    ).json();
    const answer = await call(connection, "POST", path, { action: "retry" });
    expect(await answer.json()).toEqual({ action: "retry", count: dead_letters.length });
    await until(connection, ({ sinks }) => sinks.find(({ name }) => name === "siem")?.dead_letters === 0);
    // Users say more of what is unknown than in v0.1.0, so each has got a new number: a newer state settles the letter.
    const texts = received.filter(({ host }) => host === "siem.example.com").map(({ text }) => text);
    for (const { sequence, asset_id } of dead_letters) {
      const sent = texts.flatMap((text) => [...text.matchAll(new RegExp(`/users/${asset_id}/(\\d+)"`, "g"))]);
      expect(sent.some(([, number]) => Number(number) >= sequence)).toBe(true);
    }
  });
});
