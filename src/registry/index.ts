/** The registry as the rest of the Worker sees it. */
import { connectionsOf } from "../config/connections.ts";
import { objectAs, residencyMemory } from "../config/residency.ts";
import type { Setting } from "../config/types.ts";
import type { NamedConnections, RegistryApi } from "../contract/connections.ts";
import { registryObjectName } from "../contract/objects.ts";
import { errorFields, log } from "../lib/log.ts";
import { within } from "../lib/timeout.ts";
import { askPlacement, hasConnections } from "./placement.ts";

export { connectionDocuments, goneDocument } from "./documents.ts";
export { placementOf } from "./placement.ts";
export { Registry } from "./registry.ts";

/** How long a cron waits for the registry, ms. */
const RECONCILE_MS = 5_000;

/** The one Registry. */
export const registryOf = (env: Env): RegistryApi =>
  objectAs<RegistryApi>(env, env.REGISTRY, registryObjectName);

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
  try {
    return await within(RECONCILE_MS, registryOf(env).reconcile(namedIn(env)));
  } catch (error) {
    log("error", "registry_failed", errorFields(error));
    return [];
  }
};

/**
 * Whether a cron may reach objects. It always asks the memory, so that what another deployment has forgotten is remembered
 * again. One error line says why it may not. Never throws.
 */
export const mayWake = async (env: Env): Promise<boolean> => {
  const placement = await askPlacement(env).catch((error: unknown): Setting<never> => {
    log("error", "residency_unknown", errorFields(error));
    return { ok: false, problems: [] };
  });
  if (placement.ok) return true;
  const { problems } = placement;
  if (problems.length > 0) {
    const message = problems.map((problem) => `${problem.setting}: ${problem.message}`).join(" ");
    log("error", "misconfigured", { settings: problems.map(({ setting }) => setting).join(), message });
  }
  return false;
};

/** Has the memory forget where the objects are once there are none: no connection is left, and all are purged. Never throws. */
export const forgetUnusedResidency = async (env: Env): Promise<void> => {
  if (hasConnections(env)) return;
  try {
    if ((await within(RECONCILE_MS, registryOf(env).known())).length > 0) return;
    await within(RECONCILE_MS, residencyMemory(env).forgetResidency());
  } catch (error) {
    log("error", "registry_failed", errorFields(error));
  }
};
