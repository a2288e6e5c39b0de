/** A SIEM that refuses one post in ten and remembers the newest event of each asset. */
import { isJson, type Json, uidOf } from "../../../test/support/expected.ts";
import { listenLocally } from "../../lib/local-server.ts";
import { freePort } from "../lib/ports.ts";

const REFUSED = 0.1;

export interface Receiver {
  readonly url: string;
  /** Of all assets, by id. */
  readonly newest: ReadonlyMap<string, Json>;
  posts(): number;
  close(): void;
}

export const startReceiver = async (): Promise<Receiver> => {
  const newest = new Map<string, Json>();
  let posts = 0;
  const server = await listenLocally(
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        posts += 1;
        const refused = Math.random() < REFUSED;
        response.statusCode = refused ? 503 : 200;
        response.end();
        if (refused) return;
        const events: unknown = JSON.parse(Buffer.concat(chunks).toString());
        for (const event of Array.isArray(events) ? events : [])
          if (isJson(event)) newest.set(uidOf(event), event);
      });
    },
    await freePort(),
  );
  return {
    url: `${server.url}/in`,
    newest,
    posts: () => posts,
    close: () => void server.close(),
  };
};
