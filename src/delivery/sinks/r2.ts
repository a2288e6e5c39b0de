/** R2 as a data lake: NDJSON gzip objects under keys that an engine can partition on, and whole snapshots. */

import * as z from "zod";
import type { StoredEvent } from "../../contract/stream-api.ts";
import { utf8 } from "../../lib/bytes.ts";
import { presentable } from "../../lib/redact.ts";
import { bound } from "../binding.ts";
import { gzip, ndjson } from "../body.ts";
import { defineSink } from "../definition.ts";
import { bindingName } from "../settings-keys.ts";
import type { SinkSettings } from "../settings-types.ts";
import type { Sink, SinkTools, SnapshotPart, SnapshotWriter } from "../sink.ts";
import { failedTest, passed } from "../trial.ts";

interface R2Options {
  readonly binding: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
}

type R2Settings = SinkSettings & R2Options;

const limits = { events: 2000, bytes: 8_000_000, eventBytes: null, overheadBytes: 1 };
const eventsPerPart = 10_000;

const remedy = "enable R2 and uncomment [[r2_buckets]] in wrangler.toml with this binding name";

/** The OCSF class of a stream. */
const classUid = { users: 5003, devices: 5001 } as const;

const isBucket = (binding: unknown): binding is R2Bucket =>
  typeof binding === "object" && binding !== null && "put" in binding && "head" in binding;

const bucketOf = (settings: R2Settings, tools: SinkTools) =>
  bound(tools, settings, {
    noun: "bucket",
    is: isBucket,
    remedy,
    failure: "the object could not be written",
    event: "r2_write_failed",
  });

/** `date=2025-01-31/hour=07`, in UTC. */
const hourOf = (at: number): string => {
  const [date, time = ""] = new Date(at).toISOString().split("T");
  return `date=${date}/hour=${time.slice(0, 2)}`;
};

/** What a stream's objects are called. */
const keysOf = ({ prefix }: R2Settings, { connection, stream }: SinkTools) => {
  const source = `${connection}-${stream}`;
  const classKey = `class_uid=${classUid[stream]}`;
  const snapshot = ({ runId, startedAt }: SnapshotPart): string => {
    const date = new Date(startedAt).toISOString().slice(0, 10);
    return `${prefix}snapshots/${classKey}/date=${date}/run=${runId}/${source}`;
  };
  return {
    folder: `${prefix}${classKey}/`,
    batch: (first: StoredEvent, last: StoredEvent) =>
      `${prefix}${classKey}/${hourOf(first.changedAt)}/${source}-${first.sequence}-${last.sequence}.ndjson.gz`,
    part: (part: SnapshotPart) => `${snapshot(part)}-${String(part.part).padStart(5, "0")}.ndjson.gz`,
    manifest: (part: SnapshotPart) => `${snapshot(part)}-manifest.json`,
  };
};

/** No Content-Encoding: with it some clients would decompress what engines decompress by the key's ending. */
const compressed = { httpMetadata: { contentType: "application/gzip" } };
const manifestType = { httpMetadata: { contentType: "application/json" } };

const linesOf = (events: readonly StoredEvent[]): string => ndjson(events.map((event) => event.json));

/** Compresses pages as they come, so that only compressed bytes pile up. */
const gzipPages = async (pages: AsyncIterable<readonly StoredEvent[]>): Promise<ArrayBuffer> => {
  const stream = new CompressionStream("gzip");
  const result = new Response(stream.readable).arrayBuffer();
  const writer = stream.writable.getWriter();
  try {
    for await (const events of pages) await writer.write(utf8(linesOf(events)));
    await writer.close();
  } catch (thrown) {
    await writer.abort(thrown);
    await result.catch(() => undefined); // It ends with the same failure, which is thrown below.
    throw thrown;
  }
  return result;
};

/**
 * Writes objects. An object's key follows from its events alone, so that a repeated batch replaces itself; its hour
 * is when the connector saw the change.
 */
const openR2 = (settings: R2Settings, tools: SinkTools): Sink => {
  const bucket = bucketOf(settings, tools);
  const keys = keysOf(settings, tools);
  return {
    limits,
    omitNulls: false,
    partition: (event) => hourOf(event.changedAt),
    deliver: (events) =>
      bucket.deliver(async (binding) => {
        const [first] = events;
        const last = events.at(-1);
        if (first === undefined || last === undefined) return;
        await binding.put(keys.batch(first, last), await gzip(linesOf(events)), compressed);
      }),
    /** Asks for an object that need not exist. */
    test: () =>
      bucket.test(async (binding) => {
        try {
          await binding.head(keys.folder);
          return passed(null, `the bucket bound as ${settings.binding} answers; nothing was written`);
        } catch (thrown) {
          return failedTest(null, `the bucket did not answer: ${presentable(String(thrown), [])}`, remedy);
        }
      }),
  };
};

const snapshotsInR2 = (settings: R2Settings, tools: SinkTools): SnapshotWriter => {
  const bucket = bucketOf(settings, tools);
  const keys = keysOf(settings, tools);
  return {
    eventsPerPart,
    writePart: (part, pages) =>
      bucket.deliver(async (binding) => binding.put(keys.part(part), await gzipPages(pages), compressed)),
    finish: (part, totals) =>
      bucket.deliver((binding) => {
        const manifest = {
          connection: tools.connection,
          stream: tools.stream,
          run_id: part.runId,
          started_at: new Date(part.startedAt).toISOString(),
          ...totals,
        };
        return binding.put(keys.manifest(part), `${JSON.stringify(manifest)}\n`, manifestType);
      }),
  };
};

export const r2 = defineSink({
  type: "r2",
  dialect: "ocsf",
  endpoints: "one",
  keys: {
    binding: bindingName.default("EVENTS"),
    prefix: z
      .string("it must be the beginning of the objects' keys, for example okta/")
      .regex(
        /^[\x21-\x7e]{0,256}$/,
        "it must be at most 256 printable characters without spaces, for example okta/",
      )
      .regex(/^(?!\/)/, "it must not start with a slash; a valid value looks like okta/")
      .default(""),
  },
  resolve: ({ binding, prefix }, resolver): R2Options => ({
    binding: resolver.binding("binding", binding, remedy),
    prefix: prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`,
  }),
  open: openR2,
  snapshots: snapshotsInR2,
});
