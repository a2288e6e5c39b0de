/** R2 as a data lake: NDJSON gzip objects under keys that an engine can partition on, and whole snapshots. */

import type { StoredEvent } from "../../contract/stream-api.ts";
import { errorFields, log } from "../../lib/log.ts";
import { gzip, ndjson } from "../body.ts";
import { redact } from "../redact.ts";
import type { R2Settings } from "../settings-types.ts";
import type { DeliveryOutcome, Sink, SinkTools, SnapshotPart } from "../sink.ts";
import { failedTest, passed } from "../test-outcome.ts";

const limits = { events: 2000, bytes: 8_000_000, eventBytes: null, overheadBytes: 1 };
const eventsPerPart = 10_000;

/** OCSF class of a stream. */
const classUid = { users: 5003, devices: 5001 } as const;

const isBucket = (binding: unknown): binding is R2Bucket =>
  typeof binding === "object" && binding !== null && "put" in binding && "head" in binding;

/** `date=2025-01-31/hour=07`, in UTC. */
const hourOf = (at: number): string => {
  const [date, time = ""] = new Date(at).toISOString().split("T");
  return `date=${date}/hour=${time.slice(0, 2)}`;
};

/** No Content-Encoding: with it some clients would decompress what engines decompress by the key's ending. */
const compressed = { httpMetadata: { contentType: "application/gzip" } };

/** Compresses pages as they come, so that only compressed bytes pile up. */
const gzipPages = async (pages: AsyncIterable<readonly StoredEvent[]>): Promise<ArrayBuffer> => {
  const stream = new CompressionStream("gzip");
  const result = new Response(stream.readable).arrayBuffer();
  const writer = stream.writable.getWriter();
  try {
    for await (const events of pages) {
      await writer.write(new TextEncoder().encode(ndjson(events.map((event) => event.json))));
    }
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
export const createR2Sink = (settings: R2Settings, tools: SinkTools): Sink => {
  const remedy = "enable R2, uncomment [[r2_buckets]] in wrangler.toml with this binding name and deploy";
  const absent = `the Worker has no bucket bound as ${settings.binding}`;
  const source = `${tools.connection}-${tools.stream}`;
  const classKey = `class_uid=${classUid[tools.stream]}`;

  /** Does something with the bucket; what it throws is an outcome. */
  const withBucket = async (work: (bucket: R2Bucket) => Promise<unknown>): Promise<DeliveryOutcome> => {
    const bucket = tools.binding(settings.binding);
    if (!isBucket(bucket)) {
      const message = `${absent}; ${remedy}`;
      return { kind: "stopped", error: { code: "configuration", status: null, message }, retryAfterMs: null };
    }
    try {
      await work(bucket);
      return { kind: "accepted" };
    } catch (thrown) {
      log("warn", "r2_write_failed", { sink: settings.name, ...errorFields(thrown) });
      const message = `the object could not be written: ${redact(String(thrown), [])}`;
      return { kind: "retry", error: { code: "unavailable", status: null, message }, retryAfterMs: null };
    }
  };

  const snapshotFolder = ({ runId, startedAt }: SnapshotPart): string => {
    const date = new Date(startedAt).toISOString().slice(0, 10);
    return `${settings.prefix}snapshots/${classKey}/date=${date}/run=${runId}/${source}`;
  };

  return {
    limits,
    omitNulls: false,
    partition: (event) => hourOf(event.changedAt),
    deliver: (events) =>
      withBucket(async (bucket) => {
        const [first] = events;
        const last = events.at(-1);
        if (first === undefined || last === undefined) return;
        const name = `${source}-${first.sequence}-${last.sequence}.ndjson.gz`;
        const key = `${settings.prefix}${classKey}/${hourOf(first.changedAt)}/${name}`;
        await bucket.put(key, await gzip(ndjson(events.map((event) => event.json))), compressed);
      }),
    snapshots: {
      eventsPerPart,
      writePart: (part, pages) =>
        withBucket(async (bucket) => {
          const name = `${snapshotFolder(part)}-${String(part.part).padStart(5, "0")}.ndjson.gz`;
          await bucket.put(name, await gzipPages(pages), compressed);
        }),
      finish: (part, totals) =>
        withBucket((bucket) => {
          const manifest = {
            connection: tools.connection,
            stream: tools.stream,
            run_id: part.runId,
            started_at: new Date(part.startedAt).toISOString(),
            ...totals,
          };
          return bucket.put(`${snapshotFolder(part)}-manifest.json`, `${JSON.stringify(manifest)}\n`, {
            httpMetadata: { contentType: "application/json" },
          });
        }),
    },
    /** Asks for an object that need not exist. */
    async test() {
      const bucket = tools.binding(settings.binding);
      if (!isBucket(bucket)) return failedTest(null, absent, remedy);
      try {
        await bucket.head(`${settings.prefix}${classKey}/`);
        return passed(null, `the bucket bound as ${settings.binding} answers; nothing was written`);
      } catch (thrown) {
        return failedTest(null, `the bucket did not answer: ${redact(String(thrown), [])}`, remedy);
      }
    },
  };
};
