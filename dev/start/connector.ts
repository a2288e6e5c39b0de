/** The running connector, called over HTTP like any caller does. */
import * as z from "zod";
import { type StreamStatus, streamStatusSchema } from "../../src/contract/status.ts";

const problems = z.array(z.object({ setting: z.string(), message: z.string() }));
export type Problems = z.infer<typeof problems>;

const streamsSchema = z.object({ streams: z.array(streamStatusSchema), problems: problems.default([]) });
const refusalSchema = z.object({ detail: z.string().default(""), problems: problems.default([]) });

export type StreamsAnswer =
  /** `problems` are wrong settings that affect only a part, such as a sink. */
  | { readonly ok: true; readonly streams: readonly StreamStatus[]; readonly problems: Problems }
  | { readonly ok: false; readonly status: number; readonly detail: string; readonly problems: Problems };

export interface Connector {
  readonly origin: string;
  readonly key: string;
  isUp(): Promise<boolean>;
  streams(): Promise<StreamsAnswer>;
  /** Fires a cron from wrangler.toml. `wrangler dev` does not fire them by itself. */
  fireCron(cron: string): Promise<void>;
  /** The first events in the inventory of users, parsed. */
  firstUsers(): Promise<readonly unknown[]>;
  hasConsole(): Promise<boolean>;
}

/**
 * @param key the key to call it with, which may change while it runs
 * @param restarted resolves once a restart in progress is over: to true if there was one
 */
export const connectorAt = (
  origin: string,
  key: () => string,
  restarted: () => Promise<boolean>,
): Connector => {
  const ask = (path: string, timeoutMs: number): Promise<Response> =>
    fetch(`${origin}${path}`, {
      headers: { Authorization: `Bearer ${key()}` },
      signal: AbortSignal.timeout(timeoutMs),
    });
  /** What a restart has cut off is asked once more. */
  const get = async (path: string, timeoutMs = 30_000): Promise<Response> => {
    await restarted();
    try {
      return await ask(path, timeoutMs);
    } catch (error) {
      if (!(await restarted())) throw error;
      return ask(path, timeoutMs);
    }
  };
  return {
    origin,
    get key() {
      return key();
    },
    isUp: async () => {
      try {
        return (await ask("/healthz", 2_000)).ok;
      } catch {
        return false; // not listening yet
      }
    },
    streams: async () => {
      const response = await get("/v1/streams");
      const body: unknown = await response.json().catch(() => ({}));
      if (response.ok) return { ok: true, ...streamsSchema.parse(body) };
      const refusal = refusalSchema.safeParse(body);
      const { detail, problems } = refusal.success ? refusal.data : { detail: "", problems: [] };
      return { ok: false, status: response.status, detail, problems };
    },
    fireCron: async (cron) => {
      const response = await get(`/cdn-cgi/handler/scheduled?cron=${encodeURIComponent(cron)}`);
      if (!response.ok) throw new Error(`The cron could not be fired: ${response.status}`);
    },
    firstUsers: async () => {
      const text = await (await get("/v1/inventory/users?limit=100")).text();
      return text.split("\n").flatMap((line): unknown[] => (line === "" ? [] : [JSON.parse(line)]));
    },
    hasConsole: async () => {
      const { headers } = await get("/"); // a page also when it asks to sign in
      return (headers.get("Content-Type") ?? "").includes("text/html");
    },
  };
};
