/** The official client, connected to the Worker in this process. */
import { exports } from "cloudflare:workers";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { apiKey } from "../support/org.ts";

/** `legacy`: the protocol of 2025, with a handshake; `modern`: that of 2026, without. */
export type Era = "legacy" | "modern";

/** Runs `work` with a client that is connected. */
export const withClient = async <T>(era: Era, work: (client: Client) => Promise<T>): Promise<T> => {
  const client = new Client(
    { name: "test", version: "1" },
    { versionNegotiation: { mode: era === "legacy" ? "legacy" : { pin: "2026-07-28" } } },
  );
  const transport = new StreamableHTTPClientTransport(new URL("https://connector.example.com/mcp"), {
    fetch: async (input, init) => exports.default.fetch(String(input), init),
    requestInit: { headers: { authorization: `Bearer ${apiKey()}` } },
  });
  await client.connect(transport);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
};
