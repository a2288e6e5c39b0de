/** What the console is tried on: a simulated org, a receiver that can refuse, and the Worker in `wrangler dev`. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { createOktaOrg, type OktaOrg } from "../../dev/okta-org/index.ts";
import { freePort, KEY, WorkerProcess } from "../support/worker-process.ts";

export const READ_KEY = "read-key-0123456789-0123456789-01234567";

/** Markup, a direction override, and a name of 2 KB. */
export const hostile = {
  id: "00uHostile",
  firstName: '<img src=x onerror="document.body.dataset.owned=1">',
  lastName: "\u202Egnp.exe",
  displayName: `<img src=x onerror="document.body.dataset.owned=1"> \u202Egnp.exe ${"long ".repeat(400)}`,
} as const;

/** Refuses every event that names somebody of `refusing`. */
class Receiver {
  refusing: readonly string[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on("end", () => {
        // A page of another site, with a link to the console.
        if (request.method === "GET") {
          const to = new URL(request.url ?? "/", "http://x").searchParams.get("to") ?? "";
          response.setHeader("content-type", "text/html");
          response.end(`<a href="${to}">to the console</a>`);
          return;
        }
        const refused = this.refusing.some((name) => body.includes(name));
        response.statusCode = refused ? 400 : 200;
        response.end(refused ? "this event is not welcome" : "{}");
      });
    });
  }

  start(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  close(): void {
    this.#server.close();
  }
}

export class Stage {
  /** What the org's answer to a path waits for. */
  readonly #held: Map<string, Promise<void>>;
  readonly org: OktaOrg;
  readonly orgUrl: string;
  readonly worker: WorkerProcess;
  readonly receiver: Receiver;
  readonly receiverPort: number;
  readonly url: string;
  readonly #close: () => void;

  private constructor(
    parts: Pick<Stage, "org" | "orgUrl" | "worker" | "receiver" | "receiverPort">,
    held: Map<string, Promise<void>>,
    close: () => void,
  ) {
    this.#held = held;
    this.org = parts.org;
    this.orgUrl = parts.orgUrl;
    this.worker = parts.worker;
    this.receiver = parts.receiver;
    this.receiverPort = parts.receiverPort;
    this.url = `http://127.0.0.1:${parts.worker.port}`;
    this.#close = close;
  }

  static async open(): Promise<Stage> {
    const org = createOktaOrg({ users: 60, groups: 8, devices: 25, seed: 3, limits: "none" });
    const port = await freePort();
    const held = new Map<string, Promise<void>>();
    const fetch = async (request: Request): Promise<Response> => {
      await held.get(new URL(request.url).pathname);
      return org.fetch(request);
    };
    const server = serve({ fetch, port, hostname: "127.0.0.1" });
    const receiver = new Receiver();
    const receiverPort = await receiver.start();
    const orgUrl = `http://127.0.0.1:${port}`;
    const worker = await WorkerProcess.create({
      OKTA_BASE_URL: orgUrl,
      OKTA_API_TOKEN: "sim-token",
      API_KEYS: `${KEY},read:${READ_KEY}`,
      SINKS: JSON.stringify([
        {
          type: "http",
          name: "siem",
          url: `http://127.0.0.1:${receiverPort}/`,
          format: "json",
          streams: ["users"],
        },
      ]),
      MALICE_RULES: JSON.stringify({
        conditions: [{ field: "status", operator: "eq", value: "SUSPENDED", verdict: "Suspicious" }],
      }),
    });
    await worker.start();
    const stage = new Stage({ org, orgUrl, worker, receiver, receiverPort }, held, () => {
      server.close();
      receiver.close();
    });
    const { id, ...names } = hostile;
    await stage.control("POST", "/users", {
      id,
      profile: { login: "hostile@example.com", email: "hostile@example.com", ...names },
    });
    return stage;
  }

  /** Holds the org's answers to this path back until what is returned is called. */
  hold(path: string): () => void {
    const gate = Promise.withResolvers<void>();
    this.#held.set(path, gate.promise);
    return () => {
      this.#held.delete(path);
      gate.resolve();
    };
  }

  async control(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await this.org.fetch(
      new Request(`${this.orgUrl}/_org${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  /** A run from its start to its end. */
  async run(stream: "users" | "devices", kind: "full" | "delta" = "full"): Promise<void> {
    const response = await this.worker.request("POST", `/v1/streams/${stream}/runs`, { kind });
    if (!response.ok) throw new Error(`run: ${response.status} ${await response.text()}`);
    await this.untilIdle(stream);
  }

  async untilIdle(stream: "users" | "devices"): Promise<void> {
    for (let tries = 0; tries < 600; tries++) {
      const response = await this.worker.request("GET", `/v1/streams/${stream}`);
      const { run } = (await response.json()) as { run: unknown };
      if (run === null) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the run of ${stream} does not end`);
  }

  async close(): Promise<void> {
    await this.worker.remove();
    this.#close();
  }
}
