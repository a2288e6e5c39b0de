/** The floors that the benchmarks compare the Worker with: the least work that is possible, in the same runtime. */
import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";

/** Like the connector: six calls for single assets at a time, and pages one after another. */
const CONCURRENCY = 6;

/** Reading an org: fetches and parses URLs, and keeps nothing. */
export class Floor extends DurableObject<Env> {
  /** @param steps lists of URLs: those in one list may be fetched together, and the lists follow each other */
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

/** A cached look-up: a Hono route that reads KV once. */
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
