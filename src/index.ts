/** The Worker's entry point. It wires requests and crons to the code that handles them and does nothing else. */

import { connectionsOf } from "./config/connections.ts";
import { objectOf } from "./config/residency.ts";
import { consoleRoutes } from "./console/index.tsx";
import { streamObjectName } from "./contract/objects.ts";
import { streamNames } from "./contract/streams.ts";
import { createApp } from "./http/app.ts";
import { callMetrics } from "./http/call-metrics.ts";
import { configOf } from "./http/config.ts";
import { enrichmentMetrics } from "./http/routes/enrichments.ts";
import { log } from "./lib/log.ts";
import { mcpRoutes, toolMetrics } from "./mcp/index.ts";
import {
  forgetUnusedResidency,
  mayWake,
  placementOf,
  reconcileSettings,
  registryOf,
} from "./registry/index.ts";

export { AlertDelivery } from "./alerts/alert-delivery.ts";
export { SinkDelivery } from "./delivery/index.ts";
export { AccountLookup } from "./enrichment/account-lookup.ts";
export { OktaGate } from "./okta/gate/okta-gate.ts";
export { Registry } from "./registry/index.ts";
export { InventoryStream } from "./sync/inventory-stream.ts";

/** The cron in `wrangler.toml` that asks for a full run; every other cron asks for a delta run. */
const FULL_CRON = "0 2 * * *";

const app = createApp(
  {
    config: configOf,
    stream: (env, connection, stream) =>
      objectOf(env, env.INVENTORY_STREAM, streamObjectName({ connection, stream })),
    registry: registryOf,
    placement: placementOf,
    now: () => Date.now(),
    fetch: (input, init) => fetch(input, init),
    metrics: [enrichmentMetrics, callMetrics, toolMetrics],
  },
  [consoleRoutes, mcpRoutes],
);

export default {
  fetch: app.fetch,

  /**
   * Tells the registry what the settings say, then wakes the streams of every connection whose settings are valid, unless
   * what is stored of it is still being deleted. A stream that cannot be woken is logged. Nothing is reached as long as the
   * objects are not where the settings want them.
   */
  async scheduled(controller, env) {
    const kind = controller.cron === FULL_CRON ? "full" : "delta";
    if (!(await mayWake(env))) return;
    const purging = new Set(await reconcileSettings(env));
    const configured = [...connectionsOf(env).byId].flatMap(([id, setting]) =>
      setting.ok && !purging.has(id) ? [id] : [],
    );
    const woken = await Promise.allSettled(
      configured.flatMap((id) =>
        streamNames.map((stream) =>
          objectOf(env, env.INVENTORY_STREAM, streamObjectName({ connection: id, stream })).wake(kind),
        ),
      ),
    );
    // Those whose settings are invalid cannot be woken, but somebody may have to hear of it.
    const wrong = [...connectionsOf(env).byId].flatMap(([id, setting]) =>
      setting.ok || purging.has(id) ? [] : [id],
    );
    const watched = await Promise.allSettled(
      wrong.flatMap((id) =>
        streamNames.map((stream) =>
          objectOf(env, env.INVENTORY_STREAM, streamObjectName({ connection: id, stream })).watch(),
        ),
      ),
    );
    for (const result of [...woken, ...watched]) {
      if (result.status === "rejected") log("error", "wake_failed", { reason: String(result.reason) });
    }
    await forgetUnusedResidency(env);
  },
} satisfies ExportedHandler<Env>;
