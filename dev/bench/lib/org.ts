/** A simulated org on a local port: as it is, or as a recording that answers at once. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { listenLocally } from "../../lib/local-server.ts";
import { createOktaOrg, type OktaOrg } from "../../okta-org/index.ts";
import type { OrgOptionsInput } from "../../okta-org/options.ts";
import { freePort } from "./ports.ts";

export interface ServedOrg {
  readonly org: OktaOrg;
  readonly url: string;
  /** Paths in the order in which they were asked for since the last time that this was called. */
  takeAsked(): string[];
  /** How many bytes the answers to lists of users have had since the last time that this was called. */
  takeListBytes(): number;
  /** How many those would be. */
  askedCount(): number;
  /** How long nobody has asked anything, ms. */
  quietMs(): number;
  close(): void;
}

interface Answer {
  readonly status: number;
  readonly headers: readonly [string, string][];
  readonly body: Buffer;
}

export interface ServeOptions extends OrgOptionsInput {
  /**
   * Answers are kept by URL and given again: the org's own work then stands in nobody's way, and what is measured
   * is the caller. Only for an org that does not change.
   */
  readonly recorded?: boolean;
}

/** Everything else grows with the users: a tenth as many groups, at most 5,000, and as many devices. */
export const sizeOf = (users: number) => ({
  users,
  groups: Math.max(10, Math.min(5000, Math.round(users / 10))),
  devices: users,
});

/** The orgs that calls and growth are measured on: groups and devices of each number of users. */
const orgs: Readonly<Record<number, { readonly groups: number; readonly devices: number }>> = {
  1000: { groups: 150, devices: 1000 },
  10000: { groups: 1000, devices: 12_000 },
  50000: { groups: 5000, devices: 60_000 },
  100000: { groups: 5000, devices: 120_000 },
};

export const orgOf = (users: number) => ({ ...sizeOf(users), ...orgs[users] });

export const serveOrg = async ({ recorded = false, ...options }: ServeOptions): Promise<ServedOrg> => {
  const org = createOktaOrg({ limits: "none", concurrency: 1000, ...options });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const kept = new Map<string, Answer>();
  let asked: string[] = [];
  let lastAsked = 0;
  let listBytes = 0;

  const ask = async (request: IncomingMessage): Promise<Answer> => {
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
    const method = request.method ?? "GET";
    const body = method === "GET" ? undefined : Buffer.concat(await Array.fromAsync(request));
    const init = { method, headers, ...(body === undefined ? {} : { body }) };
    const response = await org.fetch(new Request(url + (request.url ?? "/"), init));
    return {
      status: response.status,
      headers: [...response.headers],
      body: Buffer.from(await response.arrayBuffer()),
    };
  };

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? "/";
    asked.push(path);
    lastAsked = performance.now();
    let answer = kept.get(path);
    if (answer === undefined) {
      answer = await ask(request);
      if (recorded && answer.status === 200) kept.set(path, answer);
    }
    for (const [name, value] of answer.headers) response.setHeader(name, value);
    if (recorded) {
      // A recorded window would be over by now.
      response.setHeader("date", new Date().toUTCString());
      response.setHeader("x-rate-limit-reset", String(60 * Math.ceil(Date.now() / 60_000 + 1)));
    }
    if (path.startsWith("/api/v1/users?")) listBytes += answer.body.length;
    response.statusCode = answer.status;
    response.end(answer.body);
  };

  const server = await listenLocally((request, response) => {
    respond(request, response).catch(() => response.destroy());
  }, port);
  return {
    org,
    url,
    takeAsked: () => {
      const taken = asked;
      asked = [];
      return taken;
    },
    takeListBytes: () => {
      const taken = listBytes;
      listBytes = 0;
      return taken;
    },
    askedCount: () => asked.length,
    quietMs: () => performance.now() - lastAsked,
    close: () => void server.close(),
  };
};
