/** Connections, each to a simulated org of its own, and questions asked through the Worker's routes. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { streamObjectName } from "../../src/contract/objects.ts";
import type { StreamName } from "../../src/contract/streams.ts";
import { AccountLookup } from "../../src/enrichment/account-lookup.ts";
import type { OktaAnswer } from "../../src/enrichment/answer.ts";
import { AccountCache } from "../../src/enrichment/cache.ts";
import { nameIdentifier } from "../../src/enrichment/identifier.ts";
import { OktaGate } from "../../src/okta/gate/okta-gate.ts";
import { InventoryStream } from "../../src/sync/inventory-stream.ts";
import { type Control, controlOf } from "../support/control.ts";
import { realNow } from "../support/time.ts";
import "../support/jitter.ts";

const KEY = "k".repeat(40);
const POOL = 60;

const ids = Array.from({ length: POOL }, (_, index) => `c${index}`);

/** The settings of this file's Worker, set before anything reads them. */
export const settings: Record<string, string> = {
  OKTA_BASE_URL: "https://default-org.okta.com",
  OKTA_API_TOKEN: "sim-token",
  API_KEYS: KEY,
  // So that no test runs into it on a busy machine but those that are about it.
  LOOKUP_TIMEOUT_MS: "30000",
  CONNECTIONS: JSON.stringify(
    ids.map((id) => ({ id, base_url: `https://${id}-org.okta.com`, secret_prefix: `${id.toUpperCase()}_` })),
  ),
  ...Object.fromEntries(ids.map((id) => [`${id.toUpperCase()}_API_TOKEN`, "sim-token"])),
};
Object.assign(env, settings);

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly okta: OktaAnswer;
}

interface User {
  readonly id?: string;
  readonly status?: string;
  readonly created?: string;
  readonly lastLogin?: string | null;
  readonly passwordChanged?: string | null;
  readonly profile: Record<string, unknown>;
  readonly groups?: readonly string[];
}

export class Org {
  readonly connection: string;
  readonly control: Control;

  constructor(connection: string) {
    this.connection = connection;
    this.control = controlOf(`https://${connection}-org.okta.com`);
  }

  async user(user: User): Promise<string> {
    const { id } = await this.control("POST", "/users", user);
    return String(id);
  }

  async group(name: string, members: readonly string[] = []): Promise<string> {
    const { id } = await this.control("POST", "/groups", { profile: { name }, members });
    return String(id);
  }

  fault(endpoint: string, kind: string, more: object = {}): Promise<unknown> {
    return this.control("POST", "/faults", { match: { endpoint: `GET ${endpoint}` }, kind, ...more });
  }

  /** Calls by endpoint since the last time this was asked. */
  async calls(): Promise<Record<string, number>> {
    const { calls, violations } = await this.control("GET", "/stats");
    if (violations !== 0) throw new Error(`${String(violations)} rate-limit violations`);
    await this.control("POST", "/stats/reset");
    // The control route documents this shape.
    return calls as Record<string, number>;
  }

  /** What KV holds of this connection: keys without the connection, values, and seconds to live. */
  async cached(): Promise<{ key: string; value: string; ttl: number }[]> {
    const { keys } = await env.ENRICHMENT_CACHE.list({ prefix: `${this.connection}/` });
    return Promise.all(
      keys.map(async ({ name, expiration = 0 }) => ({
        key: name.slice(this.connection.length + 1),
        value: (await env.ENRICHMENT_CACHE.get(name)) ?? "",
        ttl: expiration - realNow() / 1000,
      })),
    );
  }

  async request(method: string, path: string, body?: unknown): Promise<Response> {
    const url = new URL(path, "https://connector.example.com");
    url.searchParams.set("connection", this.connection);
    return exports.default.fetch(url.href, {
      method,
      headers: { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  /** `account` is encoded here. */
  async ask(account: string, query = ""): Promise<Reply> {
    const path = `/v1/enrichments/accounts/${encodeURIComponent(account)}${query}`;
    const response = await this.request("GET", path);
    const body: { okta: OktaAnswer } = await response.json();
    return { status: response.status, headers: response.headers, okta: body.okta };
  }
}

/** What `incomplete` says of devices until a run of the devices stream has succeeded. */
export const devicesPending = {
  field: "devices",
  reason: "pending",
  message: expect.stringContaining("devices stream"),
  last_known: null,
  last_known_at: null,
};

let next = 0;

/** A new org behind a connection that no test has used. */
export const newOrg = async (options: object = {}): Promise<Org> => {
  const org = new Org(ids[next++] ?? "there are no more connections: increase POOL");
  await org.control("POST", "/create", { users: 3, groups: 1, devices: 0, ...options });
  await org.calls();
  return org;
};

/** What one look-up by login costs. */
export const oneLookup = {
  "GET /api/v1/users/{id}": 1,
  "GET /api/v1/users/{id}/groups": 1,
  "GET /api/v1/users/{id}/factors": 1,
  "GET /api/v1/users/{id}/roles": 1,
};

/** Runs a stream once, to its end. Its alarms do not wait: by the real clock, time that was passed is the future. */
export const runStream = async (org: Org, name: StreamName, kind: "full" | "delta"): Promise<void> => {
  await org.request("POST", `/v1/streams/${name}/runs`, { kind });
  const stream = env.INVENTORY_STREAM.getByName(
    streamObjectName({ connection: org.connection, stream: name }),
  );
  for (;;) {
    const { state, run, last_full, last_delta } = await stream.status();
    if (run === null) {
      const last = kind === "full" ? last_full : last_delta;
      if (state !== "idle" || last?.state !== "done")
        throw new Error(`the run has ended: ${JSON.stringify(last)}`);
      return;
    }
    await runDurableObjectAlarm(stream);
  }
};

/** Runs the users stream once, to its end. */
export const runUsers = (org: Org, kind: "full" | "delta"): Promise<void> => runStream(org, "users", kind);

/** Requests of Durable Objects and operations of KV since the counting began. */
export interface Counted {
  objectRequests: number;
  kvReads: number;
  kvWrites: number;
}

const objects: readonly (readonly [string, object])[] = [
  ["AccountLookup", AccountLookup.prototype],
  ["OktaGate", OktaGate.prototype],
  ["InventoryStream", InventoryStream.prototype],
];

/** Counts what reaches objects and KV, until `vi.restoreAllMocks`. Objects call none of their own methods by name. */
export const counting = (): Counted => {
  const counted: Counted = { objectRequests: 0, kvReads: 0, kvWrites: 0 };
  const count = (object: object, method: string, kind: keyof Counted): void => {
    const original: unknown = Reflect.get(object, method);
    if (typeof original !== "function") throw new Error(`${method} is no method`);
    // The types of spies are those of one known method, and these are all there are.
    vi.spyOn(object as Record<string, () => unknown>, method).mockImplementation(function (
      this: unknown,
      ...args: unknown[]
    ) {
      counted[kind] += 1;
      return Reflect.apply(original, this, args);
    });
  };
  for (const [, prototype] of objects) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (name !== "constructor" && typeof value === "function") count(prototype, name, "objectRequests");
    }
  }
  count(env.ENRICHMENT_CACHE, "get", "kvReads");
  count(env.ENRICHMENT_CACHE, "put", "kvWrites");
  return counted;
};

/** Has the isolate forget where it has found names, as another isolate never knew it. */
export const forgetPointers = (): void => {
  const other = new AccountCache(
    { get: async () => null, put: async () => {} },
    { id: "filler", baseUrl: "https://filler.okta.com" },
  );
  for (let index = 0; index < 5_000; index++) other.remember(nameIdentifier(`filler${index}`), "00u", 0);
};
