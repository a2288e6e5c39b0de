/** Changes as events of their own, among those of the assets. */
import { reset } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EventsQuery, StoredEvent } from "../../src/contract/stream-api.ts";
import type { StreamName } from "../../src/contract/streams.ts";
import {
  ocsfAccountChangeSchema,
  ocsfEntityManagementSchema,
  ocsfGroupManagementSchema,
} from "../../src/ocsf/index.ts";
import { createOrg, startRun, streamStub, untilIdle } from "../support/org.ts";

const CONNECTION = "t3";
const streams: readonly StreamName[] = ["users", "devices"];

const runAll = async (kind: "full" | "delta"): Promise<void> => {
  for (const stream of streams) {
    await startRun(CONNECTION, kind, stream);
    await untilIdle(CONNECTION, stream);
  }
};

/** All events, in pages of this size. */
const all = async (
  stream: StreamName,
  limit: number,
  query: Partial<EventsQuery> = {},
): Promise<StoredEvent[]> => {
  const events: StoredEvent[] = [];
  for (let after = 0; ; ) {
    const page = await streamStub(CONNECTION, stream).events({ after, limit, dialect: "ocsf", ...query });
    if (page.events.length === 0) return events;
    events.push(...page.events);
    after = page.last;
  }
};

beforeEach(async () => {
  const org = await createOrg(CONNECTION, { users: 12, groups: 4, devices: 4, seed: 3 });
  await runAll("full");
  await org.churn(40);
  await runAll("delta");
});
afterEach(() => reset());

const schemas = [ocsfAccountChangeSchema, ocsfGroupManagementSchema, ocsfEntityManagementSchema];

describe("the events of a stream", () => {
  test("have changes among them in the order of their numbers, each once, whatever the size of a page", async () => {
    for (const stream of streams) {
      const events = await all(stream, 1000, { changes: true });
      const numbers = events.map(({ sequence }) => sequence);
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
      expect(await all(stream, 3, { changes: true })).toEqual(events);
      const assets = events.filter(({ changed }) => changed === undefined);
      expect(assets).toEqual(await all(stream, 1000));
      expect(events.length - assets.length).toBeGreaterThan(1);
    }
  });

  test("are events of the official classes", async () => {
    const changes = (await Promise.all(streams.map((stream) => all(stream, 1000, { changes: true }))))
      .flat()
      .filter(({ changed }) => changed !== undefined);
    const classes = new Set<unknown>();
    for (const { json, id } of changes) {
      const event = JSON.parse(json);
      classes.add(event.class_uid);
      expect(event.metadata.uid).toBe(id);
      expect(schemas.filter((schema) => schema.safeParse(event).success).length, json).toBe(1);
    }
    expect([...classes].sort()).toEqual([3001, 3004, 3006]);
  });

  test("have no changes unless they are asked for, and never in another dialect", async () => {
    for (const query of [{}, { changes: true, dialect: "sekoia" }] as const)
      expect((await all("users", 1000, query)).filter(({ changed }) => changed !== undefined)).toEqual([]);
  });
});
