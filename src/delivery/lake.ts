/**
 * A data lake in a store of objects: NDJSON gzip objects under keys that an engine can partition on, and whole snapshots.
 * An object's key follows from its events alone, so that a repeated batch replaces itself; its hour is when the connector
 * saw the change.
 */
import * as z from "zod";
import type { StoredEvent } from "../contract/stream-api.ts";
import { utf8 } from "../lib/bytes.ts";
import { gzip, ndjson } from "./body.ts";
import type { DeliveryOutcome, Sink, SinkTools, SnapshotPart, SnapshotWriter } from "./sink.ts";

/** Where objects are kept. */
export interface ObjectStore {
  /**
   * Stores an object, over one of the same key. Never throws for what the other side does.
   * @param contents made only once it is clear that they are needed; that they cannot be made is an outcome
   */
  put(
    key: string,
    contentType: string,
    contents: () => Promise<Uint8Array<ArrayBuffer>>,
  ): Promise<DeliveryOutcome>;
}

/** What the settings of a lake say. */
export interface LakeOptions {
  /** Empty, or ends with a slash. */
  readonly prefix: string;
}

/** The key `prefix`. */
export const prefixKey = z
  .string("it must be the beginning of the objects' keys, for example okta/")
  .regex(
    /^[\x21-\x7e]{0,256}$/,
    "it must be at most 256 printable characters without spaces, for example okta/",
  )
  .regex(/^(?!\/)/, "it must not start with a slash; a valid value looks like okta/")
  .default("");

/** With a slash at its end, unless it is empty. */
export const prefixOf = (written: string): string =>
  written === "" || written.endsWith("/") ? written : `${written}/`;

const limits = { events: 2000, bytes: 8_000_000, eventBytes: null, overheadBytes: 1 };
const eventsPerPart = 10_000;

/** The OCSF class of a stream. */
const classUid = { users: 5003, devices: 5001 } as const;

/** `date=2025-01-31/hour=07`, in UTC. */
const hourOf = (at: number): string => {
  const [date, time = ""] = new Date(at).toISOString().split("T");
  return `date=${date}/hour=${time.slice(0, 2)}`;
};

/** What a stream's objects are called. */
const keysOf = ({ prefix }: LakeOptions, { connection, stream }: SinkTools) => {
  const source = `${connection}-${stream}`;
  const classKey = `class_uid=${classUid[stream]}`;
  const snapshot = ({ runId, startedAt }: SnapshotPart): string => {
    const date = new Date(startedAt).toISOString().slice(0, 10);
    return `${prefix}snapshots/${classKey}/date=${date}/run=${runId}/${source}`;
  };
  return {
    batch: (first: StoredEvent, last: StoredEvent) =>
      `${prefix}${classKey}/${hourOf(first.changedAt)}/${source}-${first.sequence}-${last.sequence}.ndjson.gz`,
    part: (part: SnapshotPart) => `${snapshot(part)}-${String(part.part).padStart(5, "0")}.ndjson.gz`,
    manifest: (part: SnapshotPart) => `${snapshot(part)}-manifest.json`,
  };
};

/** The key of an object that need not exist: to be asked for in a test. */
export const trialKey = ({ prefix }: LakeOptions, { stream }: SinkTools): string =>
  `${prefix}class_uid=${classUid[stream]}/`;

/** No Content-Encoding: with it some clients would decompress what engines decompress by the key's ending. */
const compressed = "application/gzip";

const linesOf = (events: readonly StoredEvent[]): string => ndjson(events.map((event) => event.json));

/** Compresses pages as they come, so that only compressed bytes pile up. */
const gzipPages = async (pages: AsyncIterable<readonly StoredEvent[]>): Promise<Uint8Array<ArrayBuffer>> => {
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
  return new Uint8Array(await result);
};

/** What all lakes deliver in the same way. */
export const lakeSink = (
  options: LakeOptions,
  tools: SinkTools,
  store: ObjectStore,
): Pick<Sink, "limits" | "omitNulls" | "partition" | "deliver"> => {
  const keys = keysOf(options, tools);
  return {
    limits,
    omitNulls: false,
    partition: (event) => hourOf(event.changedAt),
    deliver: async (events) => {
      const [first] = events;
      const last = events.at(-1);
      if (first === undefined || last === undefined) return { kind: "accepted" };
      return store.put(keys.batch(first, last), compressed, () => gzip(linesOf(events)));
    },
  };
};

/** Whole inventories in a lake. */
export const lakeSnapshots = (options: LakeOptions, tools: SinkTools, store: ObjectStore): SnapshotWriter => {
  const keys = keysOf(options, tools);
  return {
    eventsPerPart,
    writePart: (part, pages) => store.put(keys.part(part), compressed, () => gzipPages(pages)),
    finish: (part, totals) =>
      store.put(keys.manifest(part), "application/json", async () => {
        const manifest = {
          connection: tools.connection,
          stream: tools.stream,
          run_id: part.runId,
          started_at: new Date(part.startedAt).toISOString(),
          ...totals,
        };
        return new Uint8Array(utf8(`${JSON.stringify(manifest)}\n`));
      }),
  };
};
