/** Nothing is asked of an object before it is known that the objects are where the settings want them. */
import type { MiddlewareHandler } from "hono";
import { errorFields, log } from "../lib/log.ts";
import type { AppDeps, AppEnv } from "./deps.ts";
import { problemFrom } from "./problem-from.ts";
import { ProblemError } from "./problems.ts";
import { settingValue } from "./select.ts";

/** Routes that need no object, or only for some requests and then ask by themselves. */
const without: readonly string[] = ["/v1/malice-rules/evaluate", "/v1/alerts/test"];

/**
 * Throws `misconfigured` if DATA_JURISDICTION or LOCATION_HINT is wrong or was changed, and `unavailable` if it is not known
 * whether it was.
 */
export const checkPlacement = async (deps: Pick<AppDeps, "placement">, env: Env): Promise<void> => {
  const placement = await deps.placement(env).catch((error: unknown) => {
    log("warn", "residency_unknown", errorFields(error));
    const problem = problemFrom(error instanceof Error ? error : new Error(String(error)));
    if (problem.code === "quota_exhausted") throw problem;
    throw new ProblemError(
      "unavailable",
      "It cannot be found out at the moment where the stored data is. Try again in a few seconds.",
      { headers: { "Retry-After": "2" } },
    );
  });
  settingValue(placement);
};

/** For routes that reach objects. */
export const placedObjects =
  (deps: Pick<AppDeps, "placement">): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    if (!without.includes(c.req.path)) await checkPlacement(deps, c.env);
    await next();
  };
