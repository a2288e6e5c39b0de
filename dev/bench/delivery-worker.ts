/**
 * The Worker with a users stream that can be filled without an Okta org, and beside it the least that delivery can
 * be: a loop that posts batches that lie ready in memory.
 */
import { DurableObject } from "cloudflare:workers";
import { SinkDelivery as Delivery, wakeSinks } from "../../src/delivery/index.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { migrate } from "../../src/inventory/schema.ts";
import { parseUser } from "../../src/okta/records.ts";
import type { EventsPage, EventsQuery } from "../../src/sync/api.ts";
import { EventReader } from "../../src/sync/events.ts";
import { userRecord } from "./lib/user-record.ts";

/** As the http sink's batches are bounded. */
const batch = { events: 500, characters: 1_000_000 };

const post = async (url: string, body: string): Promise<void> => {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body });
  await response.arrayBuffer();
};

// The bindings' generated types are the real classes'; here they are the ones of this file.
const streamOf = (env: Env): InventoryStream =>
  env.INVENTORY_STREAM.getByName("default/users") as unknown as InventoryStream;

export class InventoryStream extends DurableObject<Env> {
  readonly #inventory: Inventory;
  readonly #reader: EventReader;
  #bodies: string[] = [];

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    migrate(ctx.storage);
    this.#inventory = new Inventory(ctx.storage.sql, Date.now);
    this.#reader = new EventReader(this.#inventory, {
      connection: "default",
      stream: "users",
      tenant: "bench.okta.com",
      mfaIgnoredFactors: [],
    });
  }

  async fill(users: number): Promise<void> {
    for (let first = 0; first < users; first += 200) {
      const page = Array.from({ length: Math.min(200, users - first) }, (_, index) =>
        parseUser(userRecord(first + index)),
      );
      this.ctx.storage.transactionSync(() => {
        this.#inventory.assets.file(page.flatMap((user) => (user.ok ? [user.value] : [])));
      });
    }
  }

  async events(query: EventsQuery): Promise<EventsPage> {
    return this.#reader.page(query);
  }

  async deliver(): Promise<void> {
    const { head } = this.#inventory.assets;
    await wakeSinks({ env: this.env, connection: "default", stream: "users", head, known: [] });
  }

  /** Lays the batches ready, as the http sink makes them. */
  async prepare(): Promise<number> {
    this.#bodies = [];
    let after = 0;
    let pending: string[] = [];
    let characters = 0;
    const flush = (): void => {
      if (pending.length > 0) this.#bodies.push(`[${pending.join(",")}]`);
      pending = [];
      characters = 0;
    };
    for (;;) {
      const page = this.#reader.page({ after, limit: 500, dialect: "ocsf" });
      for (const { json } of page.events) {
        if (pending.length === batch.events || characters + json.length + 1 > batch.characters) flush();
        pending.push(json);
        characters += json.length + 1;
      }
      after = page.last;
      if (page.events.length === 0) break;
    }
    flush();
    return this.#bodies.length;
  }

  /** The bare loop. */
  async post(url: string): Promise<void> {
    for (const body of this.#bodies) await post(url, body);
  }

  /** What making the same events costs, without sending them. */
  async read(): Promise<void> {
    for (let after = 0; ; ) {
      const page = this.#reader.page({ after, limit: 500, dialect: "ocsf" });
      if (page.events.length === 0) return;
      after = page.last;
    }
  }

  async forget(): Promise<void> {
    this.#bodies = [];
  }
}

/** The real delivery, and in the same object the least that moves an inventory: read a page, post it, again. */
export class SinkDelivery extends Delivery {
  async loop(url: string): Promise<void> {
    for (let after = 0; ; ) {
      const page = await this.pull(after);
      if (page.events.length === 0) return;
      await post(url, `[${page.events.map((event) => event.json).join(",")}]`);
      after = page.last;
    }
  }

  async drain(): Promise<void> {
    for (let after = 0; ; ) {
      const page = await this.pull(after);
      if (page.events.length === 0) return;
      after = page.last;
    }
  }

  pull(after: number): Promise<EventsPage> {
    return streamOf(this.env).events({ after, limit: 500, dialect: "ocsf" });
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const url = String(searchParams.get("url"));
    const stream = streamOf(env);
    const delivery = env.SINK_DELIVERY.getByName("default/users/siem") as unknown as SinkDelivery;
    switch (pathname) {
      case "/fill":
        await stream.fill(Number(searchParams.get("users")));
        break;
      case "/prepare":
        return Response.json(await stream.prepare());
      case "/bare":
        await stream.post(url);
        break;
      case "/read":
        await stream.read();
        break;
      case "/loop":
        await delivery.loop(url);
        break;
      case "/drain":
        await delivery.drain();
        break;
      case "/forget":
        await stream.forget();
        break;
      case "/replay": {
        const identity = { connection: "default", stream: "users", sink: "siem" } as const;
        await delivery.replay(identity, 0);
        break;
      }
      default:
        await stream.deliver();
    }
    return new Response(null, { status: 204 });
  },
};
