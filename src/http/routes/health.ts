import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import type { App } from "../deps.ts";

const health = createRoute({
  method: "get",
  path: "/healthz",
  tags: ["Service"],
  summary: "Liveness",
  description: "Answers while the Worker runs. It needs no key, and calls nothing else.",
  responses: {
    200: {
      description: "The Worker is running.",
      content: { "application/json": { schema: z.object({ status: z.literal("ok") }) } },
    },
  },
});

export const healthRoutes = (app: App): void => {
  app.openapi(health, (c) => c.json({ status: "ok" as const }, 200));
};
