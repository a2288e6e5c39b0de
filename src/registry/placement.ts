/** Whether the objects are where the settings want them, which is found out before any of them is reached. */
import { connectionsOf } from "../config/connections.ts";
import { isUnplaced, type Residency, residencyMemory, residencyOf } from "../config/residency.ts";
import type { Setting } from "../config/types.ts";
import type { ChosenResidency } from "../contract/connections.ts";
import { within } from "../lib/timeout.ts";
import { residencyProblems } from "./residency.ts";

/** How long whoever needs to know waits for the memory, ms. */
const MEMORY_MS = 5_000;

/** The envs whose settings were found to be the choice, which cannot change while they have a connection. */
const settled = new WeakSet<object>();

/** Whether the settings name any connection, or may name one that cannot be read. */
export const hasConnections = (env: object): boolean => {
  const { named, problems } = connectionsOf(env);
  return named.size > 0 || problems.length > 0;
};

/** What a Registry answers that runs a version without this method, during a gradual deployment. */
const isUnknownMethod = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith("The RPC receiver does not implement");

/**
 * Asks the memory whether the settings are the choice. Throws when it does not answer, because then nobody knows.
 * @returns where the objects are; or the problems of settings that are wrong, or that differ from the choice
 */
export const askPlacement = async (env: Env): Promise<Setting<Residency>> => {
  const setting = residencyOf(env);
  if (!setting.ok) return setting;
  let chosen: ChosenResidency | null;
  try {
    chosen = await within(MEMORY_MS, residencyMemory(env).residency(setting.value, hasConnections(env)));
  } catch (error) {
    // That version has placed every object as these settings do.
    if (isUnplaced(setting.value) && isUnknownMethod(error)) return setting;
    throw error;
  }
  const problems = residencyProblems(chosen, setting.value);
  if (problems.length > 0) {
    settled.delete(env);
    return { ok: false, problems };
  }
  if (chosen !== null) settled.add(env);
  return setting;
};

/** The same, remembered: while the settings are the choice, an isolate asks once. */
export const placementOf = async (env: Env): Promise<Setting<Residency>> =>
  settled.has(env) ? residencyOf(env) : askPlacement(env);
