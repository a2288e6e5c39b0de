/** Deleting everything that is stored of a connection, some at a time. Every step may be repeated. */
import { objectOf } from "../config/residency.ts";
import {
  alertsObjectName,
  gateObjectName,
  lookupObjectNames,
  streamObjectName,
} from "../contract/objects.ts";
import { streamNames } from "../contract/streams.ts";
import { forgetConnection } from "../enrichment/cache.ts";
import { errorFields, log } from "../lib/log.ts";
import type { Purgeable } from "../lib/purge.ts";
import { within } from "../lib/timeout.ts";

/** How long one object may take, ms. */
const OBJECT_MS = 10_000;

/** How far a purge has come. */
export interface Progress {
  /** The names of the parts that are empty. */
  readonly done: readonly string[];
  /** Where the look-up cache is to be deleted from; null: from its first key. */
  readonly cursor: string | null;
}

/** `failed`: what is left has to be tried again later. */
export type Outcome =
  | { readonly kind: "finished" }
  | { readonly kind: "more" | "failed"; readonly progress: Progress };

/** The connection's objects by what they are. A stream's object also purges the stream's deliveries. */
const partsOf = (env: Env, connection: string): readonly (readonly [string, () => Purgeable])[] => [
  ...streamNames.map((stream) => {
    const name = streamObjectName({ connection, stream });
    return [stream, () => objectOf(env, env.INVENTORY_STREAM, name)] as const;
  }),
  ["alerts", () => objectOf(env, env.ALERT_DELIVERY, alertsObjectName(connection))],
  ["gate", () => objectOf(env, env.OKTA_GATE, gateObjectName(connection))],
  ...lookupObjectNames(connection).map(
    (name) =>
      [`lookup${name.slice(connection.length)}`, () => objectOf(env, env.ACCOUNT_LOOKUP, name)] as const,
  ),
];

/** An object that empties itself ends, and the call with it. Only one that has nothing left answers. */
const purged = async (object: () => Purgeable): Promise<void> => {
  const work = object()
    .purge()
    .catch(() => object().purge());
  await within(OBJECT_MS, work);
};

const logFailure = (connection: string, part: string, error: unknown): void =>
  log("warn", "connection_purge_failed", { connection, part, ...errorFields(error) });

/**
 * Purges what one invocation can: first all objects that are left, then the cache, which objects at work could still
 * write, a page of keys at a time. An object that fails does not keep others from being purged. Never throws.
 */
export const purgeSome = async (env: Env, connection: string, progress: Progress): Promise<Outcome> => {
  const left = partsOf(env, connection).filter(([name]) => !progress.done.includes(name));
  if (left.length > 0) {
    const done = await Promise.all(
      left.map(async ([name, object]) => {
        try {
          await purged(object);
          return [name];
        } catch (error) {
          logFailure(connection, name, error);
          return [];
        }
      }),
    );
    const all = [...progress.done, ...done.flat()];
    const failed = done.some((names) => names.length === 0);
    return { kind: failed ? "failed" : "more", progress: { ...progress, done: all } };
  }
  try {
    const cursor = await forgetConnection(env.ENRICHMENT_CACHE, connection, progress.cursor);
    return cursor === null ? { kind: "finished" } : { kind: "more", progress: { ...progress, cursor } };
  } catch (error) {
    logFailure(connection, "cache", error);
    // In case it was the cursor.
    return { kind: "failed", progress: { ...progress, cursor: null } };
  }
};
