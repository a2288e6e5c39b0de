/** The HTTP application: the middleware that every request passes through, and the routes. */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import { errorFields, log } from "../lib/log.ts";
import { createDoor, type Door } from "./auth/index.ts";
import type { App, AppDeps, AppEnv } from "./deps.ts";
import { bodyBound, requestLog, securityHeaders, sizeBounds } from "./hardening.ts";
import { registerSecurity } from "./openapi.ts";
import { refuseInvalid } from "./parameters.ts";
import { placedObjects } from "./placed.ts";
import { problemFrom } from "./problem-from.ts";
import { ProblemError, problemResponse } from "./problems.ts";
import { alertRoutes } from "./routes/alerts.ts";
import { changesRoutes } from "./routes/changes.ts";
import { connectionRoutes } from "./routes/connections.ts";
import { docsRoutes } from "./routes/docs.tsx";
import { enrichmentRoutes } from "./routes/enrichments.ts";
import { healthRoutes } from "./routes/health.ts";
import { hookRoutes } from "./routes/hooks.ts";
import { inventoryRoutes } from "./routes/inventory.ts";
import { maliceRulesRoutes } from "./routes/malice-rules.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { postureRoutes } from "./routes/posture.ts";
import { runRoutes } from "./routes/runs.ts";
import { searchRoutes } from "./routes/search.ts";
import { sinkRoutes } from "./routes/sinks.ts";
import { streamRoutes } from "./routes/streams.ts";
import { summaryRoutes } from "./routes/summary.ts";
import { testConnectionRoutes } from "./routes/test-connection.ts";

/** hono passes only errors to `onError`, so any other thrown value is wrapped in one. */
const onlyErrors: MiddlewareHandler = async (_c, next) => {
  try {
    await next();
  } catch (thrown) {
    throw thrown instanceof Error
      ? thrown
      : new Error(`A value that is not an error was thrown: ${String(thrown)}`);
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
  problemResponse(c, new ProblemError("not_found", "There is no such route. GET /docs lists all routes."));

/** Adds the routes of another part of the Worker, such as the console, to the application. */
export type Mount = (app: App, deps: AppDeps, door: Door) => void;

/**
 * Makes the application. An isolate makes one and keeps it, because it remembers failed attempts and Access's keys.
 * @param mounts what is served in addition to the API; their routes are registered after the API's own, in order
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
          new ProblemError("method_not_allowed", `This route accepts ${allowed.join(", ")}.`, {
            headers: { Allow: allowed.join(", ") },
          }),
        ),
    }),
  );
  hookRoutes(app, deps);
  const door = createDoor(deps);
  app.use("/v1/*", door.authenticate);
  app.use("/metrics", door.authenticate);
  const placed = placedObjects(deps);
  app.use("/v1/*", placed);
  app.use("/metrics", placed);
  app.use(bodyBound);

  registerSecurity(app);
  healthRoutes(app);
  streamRoutes(app, deps);
  runRoutes(app, deps);
  summaryRoutes(app, deps);
  searchRoutes(app, deps);
  inventoryRoutes(app, deps);
  changesRoutes(app, deps);
  postureRoutes(app, deps);
  sinkRoutes(app, deps);
  alertRoutes(app, deps);
  connectionRoutes(app, deps);
  testConnectionRoutes(app, deps);
  enrichmentRoutes(app, deps);
  maliceRulesRoutes(app, deps);
  metricsRoutes(app, deps);
  docsRoutes(app);
  for (const mount of mounts) mount(app, deps, door);
  return app;
};
