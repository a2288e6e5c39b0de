/** What the console is tried on: a simulated org, a receiver that can refuse, and the Worker in the real runtime. */

import type { LocalServer } from "../../dev/lib/local-server.ts";
import { createOktaOrg, type OktaOrg } from "../../dev/okta-org/index.ts";
import type { Build } from "../support/build.ts";
import { type Control, controlOf } from "../support/control.ts";
import { serveFetch } from "../support/serve-fetch.ts";
import { KEY, WorkerProcess } from "../support/worker-process.ts";

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

  readonly answer = async (request: Request): Promise<Response> => {
    // A page of another site, with a link to the console.
    if (request.method === "GET") {
      const to = new URL(request.url).searchParams.get("to") ?? "";
      return new Response(`<a href="${to}">to the console</a>`, { headers: { "content-type": "text/html" } });
    }
    const body = await request.text();
    const refused = this.refusing.some((name) => body.includes(name));
    return refused ? new Response("this event is not welcome", { status: 400 }) : new Response("{}");
  };
}

interface Parts {
  readonly org: OktaOrg;
  readonly orgServer: LocalServer;
  readonly receiver: Receiver;
  readonly receiverServer: LocalServer;
  readonly worker: WorkerProcess;
  /** What the org's answers to a path wait for. */
  readonly held: Map<string, Promise<void>>;
}

export class Stage {
  readonly org: OktaOrg;
  readonly orgUrl: string;
  readonly worker: WorkerProcess;
  readonly receiver: Receiver;
  /** A page of the receiver, as a browser that takes it for another site sees it. */
  readonly foreignUrl: string;
  readonly url: string;
  readonly control: Control;
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.org = parts.org;
    this.orgUrl = parts.orgServer.url;
    this.worker = parts.worker;
    this.receiver = parts.receiver;
    this.foreignUrl = parts.receiverServer.url.replace("127.0.0.1", "localhost");
    this.url = parts.worker.url;
    this.control = controlOf(this.orgUrl, parts.org.fetch);
    this.#parts = parts;
  }

  static async open(build: Build): Promise<Stage> {
    const org = createOktaOrg({ users: 60, groups: 8, devices: 25, seed: 3, limits: "none" });
    const held: Parts["held"] = new Map();
    const orgServer = await serveFetch(async (request) => {
      await held.get(new URL(request.url).pathname);
      return org.fetch(request);
    });
    const receiver = new Receiver();
    const receiverServer = await serveFetch(receiver.answer);
    const worker = await WorkerProcess.create(build, {
      OKTA_BASE_URL: orgServer.url,
      OKTA_API_TOKEN: "sim-token",
      API_KEYS: `${KEY},read:${READ_KEY}`,
      SINKS: JSON.stringify([
        { type: "http", name: "siem", url: `${receiverServer.url}/`, format: "json", streams: ["users"] },
      ]),
      POSTURE_EXCEPTIONS: JSON.stringify([
        {
          check: "active_without_mfa",
          group_id: `00g${"Nobody".repeat(10)}`,
          reason: hostile.displayName.slice(0, 200),
        },
      ]),
      MALICE_RULES: JSON.stringify({
        conditions: [{ field: "status", operator: "eq", value: "SUSPENDED", verdict: "Suspicious" }],
      }),
    });
    await worker.start();
    const stage = new Stage({ org, orgServer, receiver, receiverServer, worker, held });
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
    const { held } = this.#parts;
    held.set(path, gate.promise);
    return () => {
      held.delete(path);
      gate.resolve();
    };
  }

  /** A run from its start to its end. */
  async run(stream: "users" | "devices", kind: "full" | "delta" = "full"): Promise<void> {
    const response = await this.worker.request("POST", `/v1/streams/${stream}/runs`, { kind });
    if (!response.ok) throw new Error(`run: ${response.status} ${await response.text()}`);
    await this.untilIdle(stream);
  }

  async untilIdle(stream: "users" | "devices"): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (Date.now() < deadline) {
      const response = await this.worker.request("GET", `/v1/streams/${stream}`);
      const { run } = (await response.json()) as { run: unknown };
      if (run === null) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the run of ${stream} does not end`);
  }

  async close(): Promise<void> {
    await this.worker.remove();
    await this.#parts.orgServer.close();
    await this.#parts.receiverServer.close();
  }
}
