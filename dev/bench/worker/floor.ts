/** The least that work can be, in the same runtime: what the benchmarks hold the Worker against. */
import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";

/** As the connector: six calls for single assets at once, pages one after another. */
const CONCURRENCY = 6;

/** Reading an org: URLs fetched and parsed, nothing kept. */
export class Floor extends DurableObject<Env> {
  /** @param steps lists of URLs: those of one list may be fetched at once, the lists follow each other */
  async read(steps: readonly (readonly string[])[]): Promise<number> {
    let records = 0;
    for (const step of steps) {
      const queue = [...step];
      const lane = async (): Promise<void> => {
        for (let url = queue.shift(); url !== undefined; url = queue.shift()) {
          const response = await fetch(url, { headers: { authorization: "SSWS sim-token" } });
          const body: unknown = await response.json();
          if (Array.isArray(body)) records += body.length;
        }
      };
      await Promise.all(Array.from({ length: Math.min(CONCURRENCY, queue.length) }, lane));
    }
    return records;
  }
}

/** A cached look-up: a Hono route with one KV read. */
export const bareKv = new Hono<{ Bindings: Env }>()
  .get("/bench/kv/:key", async (c) => c.json(await c.env.ENRICHMENT_CACHE.get(c.req.param("key"), "json")))
  .put("/bench/kv/:key", async (c) => {
    await c.env.ENRICHMENT_CACHE.put(c.req.param("key"), await c.req.text());
    return c.body(null, 204);
  });

/** Delivery: one post. */
export const post = async (url: string, body: string): Promise<void> => {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body });
  await response.arrayBuffer();
};
