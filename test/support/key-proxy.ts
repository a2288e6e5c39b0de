/**
 * A reverse proxy that adds a key, for clients that cannot send one, such as the official conformance suite. `Host`, `Origin`
 * and all else reach the Worker as the client sent them.
 */
import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { type LocalServer, listenLocally } from "../../dev/lib/local-server.ts";

/** @param origin the Worker's */
export const serveWithKey = (origin: string, key: string): Promise<LocalServer> =>
  listenLocally((asked: IncomingMessage, answer: ServerResponse) => {
    const headers = { ...asked.headers, authorization: `Bearer ${key}` };
    const onward = request(
      `${origin}${asked.url ?? "/"}`,
      { method: asked.method ?? "GET", headers },
      (answered) => {
        answer.writeHead(answered.statusCode ?? 502, answered.headers);
        answered.pipe(answer);
      },
    );
    onward.once("error", () => answer.destroy());
    answer.once("close", () => onward.destroy());
    asked.pipe(onward);
  });
