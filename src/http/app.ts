/** The HTTP application: what every request goes through, and the routes. */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import { errorFields, log } from "../lib/log.ts";
import { createDoor, type Door } from "./auth/index.ts";
import type { App, AppDeps, AppEnv } from "./deps.ts";
import { bodyBound, requestLog, securityHeaders, sizeBounds } from "./hardening.ts";
import { registerSecurity } from "./openapi.ts";
import { refuseInvalid } from "./parameters.ts";
import { problemFrom } from "./problem-from.ts";
import { ProblemError, problemResponse } from "./problems.ts";
import { docsRoutes } from "./routes/docs.tsx";
import { enrichmentRoutes } from "./routes/enrichments.ts";
import { healthRoutes } from "./routes/health.ts";
import { inventoryRoutes } from "./routes/inventory.ts";
import { maliceRulesRoutes } from "./routes/malice-rules.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { runRoutes } from "./routes/runs.ts";
import { searchRoutes } from "./routes/search.ts";
import { sinkRoutes } from "./routes/sinks.ts";
import { streamRoutes } from "./routes/streams.ts";
import { summaryRoutes } from "./routes/summary.ts";
import { testConnectionRoutes } from "./routes/test-connection.ts";

/** hono hands only errors to `onError`; whatever else was thrown becomes one. */
const onlyErrors: MiddlewareHandler = async (_c, next) => {
  try {
    await next();
  } catch (thrown) {
    throw thrown instanceof Error ? thrown : new Error(`Something was thrown: ${String(thrown)}`);
  }
};

const onError = (error: Error, c: Context<AppEnv>): Response => {
  const problem = problemFrom(error);
  if (problem.code === "internal_error" || problem.code === "unavailable") {
    const level = problem.code === "internal_error" ? "error" : "warn";
    log(level, "request_failed", { request_id: c.get("requestId"), ...errorFields(error) });
  }
  return problemResponse(c, problem);
};

const notFound = (c: Context<AppEnv>): Response =>
  problemResponse(c, new ProblemError("not_found", "There is no such route. GET /docs lists what there is."));

/** Adds the routes of another door to the application: the console, for instance. */
export type Mount = (app: App, deps: AppDeps, door: Door) => void;

/**
 * Makes the application. One per isolate: it remembers failed attempts and Access's keys.
 * @param mounts what is served beside the API, in order; their routes come after the API's own
 * @example createApp({ config: configOf, stream: streamOf, now: Date.now, fetch }, [consoleRoutes])
 */
export const createApp = (deps: AppDeps, mounts: readonly Mount[] = []): App => {
  const app: App = new OpenAPIHono<AppEnv>({ defaultHook: refuseInvalid });
  app.onError(onError);
  app.notFound(notFound);

  app.use(requestLog(deps), securityHeaders, onlyErrors, sizeBounds);
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, allowed) =>
        problemResponse(
          c,
          new ProblemError("method_not_allowed", `This route takes ${allowed.join(", ")}.`, {
            headers: { Allow: allowed.join(", ") },
          }),
        ),
    }),
  );
  const door = createDoor(deps);
  app.use("/v1/*", door.authenticate);
  app.use("/metrics", door.authenticate);
  app.use(bodyBound);

  registerSecurity(app);
  healthRoutes(app);
  streamRoutes(app, deps);
  runRoutes(app, deps);
  summaryRoutes(app, deps);
  searchRoutes(app, deps);
  inventoryRoutes(app, deps);
  sinkRoutes(app, deps);
  testConnectionRoutes(app, deps);
  enrichmentRoutes(app, deps);
  maliceRulesRoutes(app, deps);
  metricsRoutes(app, deps);
  docsRoutes(app);
  for (const mount of mounts) mount(app, deps, door);
  return app;
};
