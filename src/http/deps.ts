/** What the HTTP side is given. Everything that reaches outside a request comes through here. */

import type { OpenAPIHono } from "@hono/zod-openapi";
import type { StreamApi } from "../contract/stream-api.ts";
import type { StreamName } from "../contract/streams.ts";
import type { InventoryApi } from "../inventory/api.ts";
import type { Caller } from "./auth/caller.ts";
import type { Config } from "./config.ts";
import type { MetricFamily } from "./prometheus.ts";

export interface AppDeps {
  /** The settings of this env; called on every request, so it must be memoised. */
  config(env: Env): Config;
  /** The stream of a connection that is configured. */
  stream(env: Env, connectionId: string, stream: StreamName): StreamApi & InventoryApi;
  /** ms since the epoch. */
  now(): number;
  /** For the keys of Cloudflare Access. */
  readonly fetch: typeof fetch;
  /** Metrics beside those of the streams. One that throws is left out of the answer and logged. */
  readonly metrics?: readonly MetricsSource[];
}

/** @param connections ids of the connections that are configured right */
export type MetricsSource = (env: Env, connections: readonly string[]) => Promise<readonly MetricFamily[]>;

export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    /** Set on every route that needs a key. */
    caller: Caller;
  };
}

export type App = OpenAPIHono<AppEnv>;
