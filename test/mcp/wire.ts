/** `/mcp` over real HTTP: the official client, and requests as they are, with whatever `Host` is wanted. */
import { type IncomingHttpHeaders, request } from "node:http";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type { Json } from "../support/expected.ts";
import type { Era } from "./support.ts";

/** Runs `work` with the official client, connected to a Worker. */
export const withClientAt = async <T>(
  origin: string,
  { era, key }: { readonly era: Era; readonly key: string },
  work: (client: Client) => Promise<T>,
): Promise<T> => {
  const client = new Client(
    { name: "test", version: "1" },
    { versionNegotiation: { mode: era === "legacy" ? "legacy" : { pin: "2026-07-28" } } },
  );
  const requestInit = { headers: { authorization: `Bearer ${key}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { requestInit }));
  try {
    return await work(client);
  } finally {
    await client.close();
  }
};

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The JSON of the body, or of each event of the stream that it is. */
  readonly messages: readonly Json[];
}

const messagesIn = (text: string, headers: IncomingHttpHeaders): Json[] => {
  const type = headers["content-type"] ?? "";
  if (type.startsWith("text/event-stream"))
    return text.split("\n").flatMap((line) => (line.startsWith("data: ") ? [JSON.parse(line.slice(6))] : []));
  return type.includes("json") ? [JSON.parse(text)] : [];
};

/** One request to `/mcp`, exactly as it is given; `fetch` would choose `Host` itself. */
export const ask = (
  origin: string,
  {
    method = "POST",
    headers = {},
    body,
  }: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  },
): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const asked = request(
      `${origin}/mcp`,
      {
        method,
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          ...headers,
        },
      },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.once("error", reject);
        answer.once("end", () => {
          const text = Buffer.concat(parts).toString("utf8");
          const { statusCode = 0, headers: sent } = answer;
          resolve({ status: statusCode, headers: sent, text, messages: messagesIn(text, sent) });
        });
      },
    );
    asked.once("error", reject);
    asked.end(body === undefined || typeof body === "string" ? body : JSON.stringify(body));
  });

/** The first message of a client of 2025. */
export const initialize = (protocolVersion: string) => ({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion, capabilities: {}, clientInfo: { name: "test", version: "1" } },
});

export const callOf = (name: string, args: Json, id = 2) => ({
  jsonrpc: "2.0",
  id,
  method: "tools/call",
  params: { name, arguments: args },
});

/** The same as a client of 2026 sends it: what a handshake used to say goes with every request. */
export const modernCallOf = (name: string, args: Json, id = 2) => ({
  headers: { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": name },
  body: {
    jsonrpc: "2.0",
    id,
    method: "tools/call",
    params: {
      name,
      arguments: args,
      _meta: {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
      },
    },
  },
});
