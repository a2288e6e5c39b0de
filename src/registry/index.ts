/** The registry as the rest of the Worker sees it. */
import { connectionsOf } from "../config/connections.ts";
import type { NamedConnections, RegistryApi } from "../contract/connections.ts";
import { registryObjectName } from "../contract/objects.ts";
import { errorFields, log } from "../lib/log.ts";
import { timeLimit } from "../lib/timeout.ts";

export { connectionDocuments, goneDocument } from "./documents.ts";
export { Registry } from "./registry.ts";

/** How long a cron waits for the registry, ms. */
const RECONCILE_MS = 5_000;

/** The one Registry. The generated type of the binding leads through the Worker's entry, which leads here. */
export const registryOf = (env: Env): RegistryApi =>
  env.REGISTRY.getByName(registryObjectName) as unknown as RegistryApi;

/** What the settings of this env say. */
const namedIn = (env: Env): NamedConnections => {
  const { named, problems } = connectionsOf(env);
  return { named: [...named], complete: problems.length === 0 };
};

/**
 * Tells the registry what the settings say. Never throws, and waits for 5 seconds at most: no run has to wait for it.
 * @returns the ids of the connections that are being purged; none if the registry cannot say
 */
export const reconcileSettings = async (env: Env): Promise<readonly string[]> => {
  const limit = timeLimit(RECONCILE_MS);
  const late = new Promise<never>((_, reject) => {
    limit.signal.addEventListener("abort", () => reject(limit.signal.reason));
  });
  try {
    return await Promise.race([registryOf(env).reconcile(namedIn(env)), late]);
  } catch (error) {
    log("error", "registry_failed", errorFields(error));
    return [];
  } finally {
    limit.clear();
  }
};
