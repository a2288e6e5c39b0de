/** A receiver for the http sink, with the newest event of each asset. */
import { isJson, type Json, uidOf } from "./expected.ts";
import { serveFetch } from "./serve-fetch.ts";

export interface Collector {
  readonly url: string;
  /** The newest event of each asset, by id. */
  readonly newest: ReadonlyMap<string, Json>;
  /** Calls this with each event that comes. */
  onEvent: (event: Json) => void;
  close(): Promise<void>;
}

/** Starts it on a free local port. It takes everything, as a JSON array. */
export const startCollector = async (): Promise<Collector> => {
  const newest = new Map<string, Json>();
  const server = await serveFetch(async (request) => {
    const events: unknown = await request.json();
    for (const event of Array.isArray(events) ? events : []) {
      if (!isJson(event)) return new Response("no event", { status: 400 });
      newest.set(uidOf(event), event);
      collector.onEvent(event);
    }
    return new Response(null, { status: 202 });
  });
  const collector: Collector = {
    url: `${server.url}/in`,
    newest,
    onEvent: () => {},
    close: () => server.close(),
  };
  return collector;
};
