/** Lists that go on from page to page along `Link`. */
import { isJson, type Json } from "./expected.ts";

/** The target of the link to the next page; null on the last page. */
export const nextPage = ({ headers }: Pick<Response, "headers">): string | null =>
  /<([^>]+)>; rel="?next"?/.exec(headers.get("link") ?? "")?.[1] ?? null;

/** Events of NDJSON text. */
export const eventsIn = (text: string): Json[] =>
  text.split("\n").flatMap((line) => {
    if (line === "") return [];
    const event: unknown = JSON.parse(line);
    if (!isJson(event)) throw new Error(`no event: ${line}`);
    return [event];
  });

/** Every event of an inventory from `path` on, in sequence order. */
export const readEvents = async (ask: (path: string) => Promise<Response>, path: string): Promise<Json[]> => {
  const events: Json[] = [];
  for (let next: string | null = path; next !== null; ) {
    const response: Response = await ask(next);
    const text = new TextDecoder().decode(await response.arrayBuffer());
    if (response.status !== 200) throw new Error(`${next}: ${response.status} ${text}`);
    events.push(...eventsIn(text));
    next = nextPage(response);
  }
  return events;
};
