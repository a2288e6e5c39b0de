/** A receiver behind a real local server, which misbehaves on command. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Receiver } from "./receiver.ts";

export type Fault =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  /** The connection breaks before anything is answered, and nothing was taken. */
  | { readonly kind: "reset" }
  /** It was taken, and the connection breaks before the answer. */
  | { readonly kind: "lost-answer" }
  /** It was taken, and the connection breaks in the middle of the answer's body. */
  | { readonly kind: "half-answer" }
  /** Nothing ever comes. */
  | { readonly kind: "silence" };

export interface LocalServer {
  readonly url: string;
  /** Asked for every request; null lets it through. */
  fault: () => Fault | null;
  close(): Promise<void>;
}

const bodyOf = async (incoming: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
};

const answer = async (
  receiver: Receiver,
  fault: Fault | null,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
) => {
  const body = await bodyOf(incoming);
  if (fault?.kind === "reset") return incoming.socket.destroy();
  if (fault?.kind === "silence") return;
  if (fault?.kind === "status") {
    outgoing.writeHead(fault.status, { date: new Date().toUTCString(), ...fault.headers });
    return outgoing.end(fault.body ?? "");
  }
  const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [
    name,
    String(value),
  ]);
  const method = incoming.method ?? "GET";
  const request = new Request(`http://local${incoming.url}`, {
    method,
    headers,
    ...(method === "GET" || method === "HEAD" ? {} : { body }),
  });
  const response = await receiver.handle(request);
  if (fault?.kind === "lost-answer") return incoming.socket.destroy();
  const text = await response.text();
  if (fault?.kind === "half-answer") {
    outgoing.writeHead(response.status, { "content-length": text.length + 100 });
    outgoing.write(text, () => incoming.socket.destroy());
    return;
  }
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(text);
};

/** Starts a server on a free port of the loopback. */
export const serve = async (receiver: Receiver): Promise<LocalServer> => {
  const server = createServer((incoming, outgoing) => {
    answer(receiver, local.fault(), incoming, outgoing).catch((error: unknown) => {
      outgoing.writeHead(500);
      outgoing.end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const local: LocalServer = {
    url: `http://127.0.0.1:${port}`,
    fault: () => null,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return local;
};
