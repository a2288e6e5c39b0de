/** The totals of an inventory. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { deviceSummarySchema, userSummarySchema } from "../../contract/inventory-documents.ts";
import { COUNT_AGAIN_AFTER_MS } from "../../contract/limits.ts";
import type { App, AppDeps } from "../deps.ts";
import { connectionQuery, streamParams } from "../parameters.ts";
import { problemResponses } from "../problems.ts";
import { selectConnection } from "../select.ts";

// `.meta` instead of `.openapi`, which a schema lacks when it was made before @hono/zod-openapi was loaded.
const users = userSummarySchema.meta({
  id: "UserSummary",
  description: "The totals of an inventory of users.",
  example: {
    stream: "users",
    as_of: "2025-01-15T10:30:06.000Z",
    total: 950,
    deleted: 3,
    by_status: { ACTIVE: 900, DEPROVISIONED: 38, SUSPENDED: 12 },
    mfa: { enrolled: 861, not_enrolled: 39, unknown: 12 },
    admins: { total: 14, without_mfa: 1, mfa_unknown: 0, unknown: 0 },
    unknown: { factors: 12 },
  },
});

const devices = deviceSummarySchema.meta({
  id: "DeviceSummary",
  description: "The totals of an inventory of devices.",
  example: {
    stream: "devices",
    as_of: "2025-01-15T10:30:06.000Z",
    total: 1210,
    deleted: 0,
    by_status: { ACTIVE: 1180, SUSPENDED: 30 },
    by_platform: { Windows: 700, iOS: 300, macOS: 210 },
    by_compliance: { UNKNOWN: 1210 },
    by_management: { managed: 1000, not_managed: 200, unknown: 10 },
  },
});

const summary = createRoute({
  method: "get",
  path: "/v1/inventory/{stream}/summary",
  tags: ["Inventory"],
  summary: "Show totals",
  description: `The totals are counted again at most every ${COUNT_AGAIN_AFTER_MS / 1000} seconds.`,
  security: [{ key: [] }],
  request: { params: streamParams, query: connectionQuery },
  responses: {
    200: {
      description: "The totals.",
      content: { "application/json": { schema: z.union([users, devices]) } },
    },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

/** Must be registered before the route of a single asset, whose `{id}` would match `summary`, too. */
export const summaryRoutes = (app: App, deps: AppDeps): void => {
  app.openapi(summary, async (c) => {
    const { id } = selectConnection(deps.config(c.env), c.req.valid("query").connection);
    return c.json(await deps.stream(c.env, id, c.req.valid("param").stream).summary(), 200);
  });
};
