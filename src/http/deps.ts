/** What the HTTP application depends on. Everything outside the request is passed in through these types. */

import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Setting } from "../config/types.ts";
import type { RegistryApi } from "../contract/connections.ts";
import type { StreamApi } from "../contract/stream-api.ts";
import type { StreamName } from "../contract/streams.ts";
import type { InventoryApi } from "../inventory/api.ts";
import type { Caller } from "./auth/caller.ts";
import type { Config } from "./config.ts";
import type { MetricFamily } from "./prometheus.ts";

export interface AppDeps {
  /** The settings of this env. It is called on every request, so it must be memoised. */
  config(env: Env): Config;
  /** A stream of a configured connection. */
  stream(env: Env, connectionId: string, stream: StreamName): StreamApi & InventoryApi;
  /** Knows which connections the settings have had. */
  registry(env: Env): RegistryApi;
  /**
   * Where the objects are, or why none may be reached: DATA_JURISDICTION or LOCATION_HINT is wrong, or was changed. Throws
   * when that is not known. It is called on every request, so it must be memoised.
   */
  placement(env: Env): Promise<Setting<unknown>>;
  /** The current time, ms since the epoch. */
  now(): number;
  /** For the public keys of Cloudflare Access, and for tests of alert channels. */
  readonly fetch: typeof fetch;
  /** Sources of metrics in addition to those of the streams. One that throws is logged and left out of the answer. */
  readonly metrics?: readonly MetricsSource[];
}

/** @param connections ids of the connections whose settings are valid */
export type MetricsSource = (env: Env, connections: readonly string[]) => Promise<readonly MetricFamily[]>;

export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestId: string;
    /** Set on every route that needs a key. The console sets it for its visitors, too. */
    caller: Caller;
    /** The tools that an agent has called in this request. */
    tools: string[];
  };
}

export type App = OpenAPIHono<AppEnv>;
