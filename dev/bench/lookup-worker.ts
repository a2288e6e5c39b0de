/** The Worker, and beside it the least that a Hono route with one KV read can be: the floor of a cached look-up. */
import { Hono } from "hono";
import worker from "../../src/index.ts";

export * from "../../src/index.ts";

const bare = new Hono<{ Bindings: Env }>().get("/bare/:key", async (c) =>
  c.json(await c.env.ENRICHMENT_CACHE.get(c.req.param("key"), "json")),
);
bare.put("/bare/:key", async (c) => {
  await c.env.ENRICHMENT_CACHE.put(c.req.param("key"), await c.req.text());
  return c.body(null, 204);
});

export default {
  fetch: (request, env, ctx) =>
    new URL(request.url).pathname.startsWith("/bare/")
      ? bare.fetch(request, env, ctx)
      : worker.fetch(request, env, ctx),
} satisfies ExportedHandler<Env>;
