/** What tools work with: the connections that the caller may see. */
import type { Context } from "hono";
import { defaultConnectionId } from "../config/connections.ts";
import type { Connection } from "../config/types.ts";
import type { StreamApi } from "../contract/stream-api.ts";
import type { StreamName } from "../contract/streams.ts";
import type { EnrichDeps } from "../enrichment/enrich.ts";
import { type MaliceRules, noMaliceRules } from "../enrichment/rules.ts";
import type { AppDeps, AppEnv } from "../http/deps.ts";
import { enrichDepsOf } from "../http/routes/enrichments.ts";
import { selectConnection, settingValue } from "../http/select.ts";
import type { InventoryApi } from "../inventory/api.ts";

export interface ToolContext {
  /** ms since the epoch */
  now(): number;
  /** A connection's settings. Throws as `stream` does. */
  connection(id: string | undefined): Connection;
  /** A stream of a connection. Throws `unknown_connection`, or `misconfigured` when a setting is wrong. */
  stream(connection: string | undefined, stream: StreamName): StreamApi & InventoryApi;
  /** What look-ups on a connection need. Throws as `stream` does. */
  enrichment(connection: string | undefined): EnrichDeps;
  /** The rules that give verdicts. Throws `misconfigured` while they are wrong. */
  rules(): MaliceRules;
  /** Throws `misconfigured` if posture cannot be told. */
  checkPosture(): void;
}

export const toolContext = (c: Context<AppEnv>, deps: AppDeps): ToolContext => ({
  now: deps.now,
  connection: (id = defaultConnectionId) => selectConnection(deps.config(c.env), id),
  stream: (connection = defaultConnectionId, stream) =>
    deps.stream(c.env, selectConnection(deps.config(c.env), connection).id, stream),
  enrichment: (connection = defaultConnectionId) => enrichDepsOf(c, deps, connection),
  rules: () => settingValue(deps.config(c.env).maliceRules) ?? noMaliceRules,
  checkPosture: () => {
    settingValue(deps.config(c.env).postureExceptions);
  },
});
