/** A receiver behind a real local server, which misbehaves on command. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type LocalServer, listenLocally } from "../../../dev/lib/local-server.ts";
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

export interface FaultyServer extends LocalServer {
  /** Asked for every request; null lets it through. */
  fault: () => Fault | null;
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
export const serve = async (receiver: Receiver): Promise<FaultyServer> => {
  const faulty: FaultyServer = {
    ...(await listenLocally((incoming, outgoing) => {
      answer(receiver, faulty.fault(), incoming, outgoing).catch((error: unknown) => {
        outgoing.writeHead(500);
        outgoing.end(String(error));
      });
    })),
    fault: () => null,
  };
  return faulty;
};
