/** A sink type that the product does not have, from one definition: everything else takes it as it is. */
import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import type { StoredEvent } from "../../src/contract/stream-api.ts";
import { defineSink } from "../../src/delivery/definition.ts";
import { parseSinks } from "../../src/delivery/settings.ts";
import { retry } from "../../src/delivery/sink.ts";
import { sinkTypes } from "../../src/delivery/sinks/index.ts";
import { testSink } from "../../src/delivery/test-sink.ts";
import { muteLog } from "../http/support.ts";
import { FakeInventory } from "./events.ts";
import { Harness, settingsOf } from "./harness.ts";

beforeEach(muteLog);

afterEach(() => reset());

/** What the pigeons carried, by the loft that they flew to. */
const flown: { readonly loft: string; readonly text: string }[] = [];
const kept: string[] = [];
let lame = false;

const pigeon = defineSink({
  type: "pigeon",
  dialect: "sekoia",
  endpoints: "one per stream",
  keys: {
    loft: z.string("it must be the name of a loft"),
    seed_secret: z.string("it must be the name of a secret"),
    flock: z.number().default(2),
  },
  resolve: (written, resolver) => {
    if (written.loft === "nowhere") resolver.refuse("loft", "it must be somewhere");
    return {
      loft: written.loft,
      seed: resolver.secret("seed_secret", written.seed_secret),
      flock: written.flock,
    };
  },
  open: (settings, { stream }) => {
    const loft = `${settings.loft}/${stream}`;
    return {
      limits: { events: settings.flock, bytes: 1_000_000, eventBytes: null, overheadBytes: 0 },
      omitNulls: true,
      deliver: async (events) => {
        if (lame) return retry({ code: "unavailable", status: null, message: "the pigeon is lame" });
        flown.push({ loft, text: `${settings.seed} ${events.map((event) => event.assetId).join(" ")}` });
        return { kind: "accepted" };
      },
      test: async () => ({
        status: stream === "users" ? "pass" : "fail",
        httpStatus: null,
        message: `looked at ${loft}`,
        remedy: null,
      }),
    };
  },
  snapshots: (settings, { stream }) => ({
    eventsPerPart: 2,
    writePart: async ({ part }, pages) => {
      const events: StoredEvent[] = [];
      for await (const page of pages) events.push(...page);
      kept.push(`${settings.loft}/${stream} part ${part}: ${events.map((event) => event.assetId).join(" ")}`);
      return { kind: "accepted" };
    },
    finish: async (_, { parts, events }) => {
      kept.push(`${events} events in ${parts} parts`);
      return { kind: "accepted" };
    },
  }),
});

const types = [...sinkTypes, pigeon];
const setting = { type: "pigeon", name: "post", loft: "tower", seed_secret: "SEED" };

beforeEach(() => {
  flown.length = 0;
  kept.length = 0;
  lame = false;
});

describe("a new type", () => {
  const context = {
    secret: (name: string) => (name === "SEED" ? "corn" : undefined),
    binding: () => false,
    allowLoopback: false,
  };

  it("has its settings parsed with those of the others", () => {
    const http = { type: "http", name: "siem", url: "https://siem.example.com/okta" };
    const { accepted, refused } = parseSinks(JSON.stringify([http, setting]), context, types);
    expect(refused).toEqual([]);
    expect(accepted.map((sink) => sink.settings)).toMatchObject([
      { type: "http", name: "siem" },
      {
        type: "pigeon",
        name: "post",
        streams: ["users", "devices"],
        dialect: "sekoia",
        loft: "tower",
        seed: "corn",
        flock: 2,
      },
    ]);
  });

  it.each([
    [{ ...setting, loft: 7 }, "SINKS[0].loft", "the name of a loft"],
    [{ ...setting, loft: "nowhere" }, "SINKS[0].loft", "it must be somewhere"],
    [{ ...setting, seed_secret: "HEMP" }, "SINKS[0].seed_secret", "the secret HEMP is not set"],
    [
      { ...setting, colour: "grey" },
      "SINKS[0].colour",
      "known keys are type, name, streams, connections, dialect, changes, loft, seed_secret, flock",
    ],
    [{ ...setting, type: "raven" }, "SINKS[0].type", "queue, pigeon"],
  ])("is refused like any other: %j", (wrong, path, message) => {
    expect(parseSinks([wrong], context, types)).toMatchObject({
      accepted: [],
      refused: [{ name: "post", problems: [{ path, message: expect.stringContaining(message) }] }],
    });
  });

  it("is unknown where it is not registered", () => {
    expect(parseSinks([setting], context)).toMatchObject({
      accepted: [],
      refused: [{ name: "post", type: null, problems: [{ path: "SINKS[0].type" }] }],
    });
  });

  it("delivers in its own batches, and what it fails to deliver is tried again", async () => {
    const inventory = new FakeInventory();
    for (let user = 1; user <= 5; user += 1) inventory.put(`u${user}`);
    const harness = new Harness({ name: "post", setting, inventory, types });
    lame = true;
    await harness.wake();
    await harness.step();
    expect(await harness.status()).toMatchObject({
      name: "post",
      type: "pigeon",
      state: "retrying",
      position: 0,
      last_error: "the pigeon is lame",
    });
    lame = false;
    await harness.settle();
    expect(flown).toEqual([
      { loft: "tower/users", text: "SEED-value u1 u2" },
      { loft: "tower/users", text: "SEED-value u3 u4" },
      { loft: "tower/users", text: "SEED-value u5" },
    ]);
    expect(await harness.status()).toMatchObject({ state: "ok", position: 5, lag_events: 0 });
  });

  it("keeps whole inventories if it says so", async () => {
    const inventory = new FakeInventory();
    for (let user = 1; user <= 3; user += 1) inventory.put(`u${user}`);
    const harness = new Harness({ name: "post", setting, inventory, types });
    await harness.run((delivery) => delivery.snapshot("run-1"));
    await harness.settle();
    expect(kept).toEqual(["tower/users part 1: u1 u2", "tower/users part 2: u3", "3 events in 2 parts"]);
  });

  it("is tried by the connection test at every endpoint that it has", async () => {
    const deps = { env: {}, connection: "default", fetch, now: () => 0 };
    expect(await testSink(settingsOf(setting, types), deps)).toMatchObject({
      name: "sink:post",
      status: "fail",
      message: "looked at tower/devices",
    });
    expect(await testSink(settingsOf({ ...setting, streams: ["users"] }, types), deps)).toMatchObject({
      status: "pass",
    });
  });
});
