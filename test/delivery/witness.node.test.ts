/**
 * Clients of the vendors' own against the receivers of these tests: what they take for taken and for refused is what the
 * sinks take for it, and what arrives is the same.
 */
import { Client } from "@elastic/elasticsearch";
import { Logger } from "splunk-logging";
import { afterEach, describe, expect, test } from "vitest";
import type { StoredEvent } from "../../src/contract/stream-api.ts";
import { parseSinks } from "../../src/delivery/settings.ts";
import { eventOf } from "./events.ts";
import { ElasticsearchReceiver } from "./receivers/elasticsearch.ts";
import type { Receiver } from "./receivers/receiver.ts";
import { serve } from "./receivers/server.ts";
import { SplunkReceiver } from "./receivers/splunk.ts";

const started: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
});

const urlOf = async (receiver: Receiver): Promise<string> => {
  const server = await serve(receiver);
  started.push(server);
  return server.url;
};

const deliver = (setting: object, events: readonly StoredEvent[]) => {
  const { accepted, refused } = parseSinks([{ name: "siem", ...setting }], {
    secret: () => "a2V5LXZhbHVl",
    binding: () => true,
    allowLoopback: true,
  });
  const tools = {
    fetch,
    now: Date.now,
    connection: "default",
    stream: "users" as const,
    binding: () => undefined,
  };
  return (accepted[0] ?? expect.fail(JSON.stringify(refused))).open(tools).deliver(events);
};

const events = [
  eventOf(5, "a"),
  eventOf(6, "b", { poison: true }),
  eventOf(7, "c", { name: "Zoë" }),
  eventOf(8, "d"),
];

describe("@elastic/elasticsearch", () => {
  const receiverOf = () => {
    const receiver = new ElasticsearchReceiver("a2V5LXZhbHVl", "okta");
    // A later state of d is there already.
    receiver.documents.set("default/users/d", { version: 9, source: { metadata: { processed_time: 2e12 } } });
    return receiver;
  };

  test("indexes the same documents, and drops the one that the sink does not take for taken", async () => {
    const ours = receiverOf();
    const outcome = await deliver(
      { type: "elasticsearch", url: await urlOf(ours), api_key_secret: "E", index: "okta" },
      events,
    );
    const theirs = receiverOf();
    const client = new Client({ node: await urlOf(theirs), auth: { apiKey: "a2V5LXZhbHVl" } });
    const dropped: (string | undefined)[] = [];
    const result = await client.helpers.bulk<object>({
      datasource: events.map(({ json }) => JSON.parse(json)),
      retries: 0,
      onDocument: (document) => {
        const { sequence, user } = document as { sequence: number; user: { uid: string } };
        return [
          {
            index: {
              _index: "okta",
              _id: `default/users/${user.uid}`,
              version: sequence,
              version_type: "external_gte",
            },
          },
          document,
        ];
      },
      onDrop: ({ error }) => dropped.push(error?.type),
    });
    await client.close();
    expect([...theirs.documents]).toEqual([...ours.documents]);
    expect(result).toMatchObject({ total: 4, successful: 2, failed: 2 });
    // The client has no opinion on a conflict. To the sink it is success, since what is held is newer.
    expect(dropped).toEqual(["document_parsing_exception", "version_conflict_engine_exception"]);
    expect(outcome).toMatchObject({
      kind: "partial",
      answers: [null, { code: "refused", message: expect.stringContaining(dropped[0] ?? "") }, null, null],
    });
  });

  test("takes an index that is not there for an error of each item", async () => {
    const receiver = receiverOf();
    receiver.exists = false;
    const client = new Client({ node: await urlOf(receiver), auth: { apiKey: "a2V5LXZhbHVl" } });
    const { errors, items } = await client.bulk({
      operations: [{ index: { _index: "okta", _id: "a" } }, {}],
    });
    await client.close();
    expect(errors).toBe(true);
    expect(items[0]?.index).toMatchObject({ status: 404, error: { type: "index_not_found_exception" } });
  });
});

describe("splunk-logging", () => {
  const sendTo = (url: string, token: string, message: unknown) =>
    new Promise<{ error: Error | null; body: unknown }>((resolve) => {
      const logger = new Logger({ token, url, maxRetries: 0, batchInterval: 0 });
      logger.eventFormatter = (event) => event;
      // By default the logger prints what its caller is told as well.
      logger.error = () => {};
      logger.send({ message, metadata: { index: "okta" } }, (error, _, body) => resolve({ error, body }));
    });

  test("has its events taken where the sink's are, and refused where they are", async () => {
    const receiver = () => new SplunkReceiver({ token: "a2V5LXZhbHVl", ack: false, indexes: ["okta"] });
    const setting = { type: "splunk_hec", token_secret: "T", index: "okta" };
    const theirs = receiver();
    const url = await urlOf(theirs);
    const { user, sequence } = JSON.parse(events[0]?.json ?? "");
    expect((await sendTo(url, "a2V5LXZhbHVl", { user, sequence })).body).toMatchObject({ code: 0 });
    expect(theirs.delivered).toEqual([{ assetId: "a", sequence: 5 }]);
    const ours = receiver();
    expect(await deliver({ ...setting, url: await urlOf(ours) }, events.slice(0, 1))).toEqual({
      kind: "accepted",
    });
    expect(ours.delivered).toEqual(theirs.delivered);

    expect((await sendTo(url, "a-wrong-token", {})).body).toMatchObject({ code: 4 });
  });
});
