/**
 * The console as a client of the API. It calls the same routes as every other client, but within the process and on
 * behalf of the visitor who was let in. Rights, validation and wording are therefore those of the API.
 */
import type { Context } from "hono";
import { vouch } from "../http/auth/vouched.ts";
import type { App, AppEnv } from "../http/deps.ts";

/** Problem details (RFC 9457), as far as the console shows them. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
  readonly problems?: readonly { readonly setting: string; readonly message: string }[];
}

/** What the API answered: the body of a success, or the problem. */
export type Answer<T> =
  | { readonly ok: true; readonly status: number; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

/** Calls the API on behalf of the visitor. `path` includes the query, and `body` is sent as JSON. */
export interface Api {
  <T>(method: string, path: string, body?: unknown): Promise<Answer<T>>;
  /** The same for a route that can answer line by line. Yields each line as it arrives. */
  lines<T>(method: string, path: string, body?: unknown): Promise<Answer<AsyncIterable<T>>>;
  /** The same for an answer of another type than JSON. */
  file(method: string, path: string, type: string): Promise<Answer<Response>>;
}

const isProblem = (response: Response): boolean =>
  response.headers.get("Content-Type") === "application/problem+json";

async function* linesOf<T>(body: ReadableStream<Uint8Array> | null): AsyncGenerator<T> {
  let rest = "";
  for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line);
  }
}

/** The API for the visitor of this request, whose caller must already be set. */
export const apiOf = (app: App, c: Context<AppEnv>): Api => {
  const ask = async <T>(
    [method, path, body]: readonly [string, string, unknown?],
    accept: string,
    read: (response: Response) => T | Promise<T>,
  ): Promise<Answer<T>> => {
    const request = new Request(new URL(path, c.req.url), {
      method,
      // The request id is passed on, so that log lines can be joined.
      headers: {
        Accept: accept,
        "CF-Ray": c.get("requestId"),
        ...(body !== undefined && { "Content-Type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    vouch(request, c.get("caller"));
    const response = await app.fetch(request, c.env, c.executionCtx);
    if (isProblem(response)) return { ok: false, problem: await response.json<Problem>() };
    return { ok: true, status: response.status, value: await read(response) };
  };
  return Object.assign(
    <T>(...what: [string, string, unknown?]) =>
      ask(what, "application/json", (response) => response.json<T>()),
    {
      lines: <T>(...what: [string, string, unknown?]) =>
        ask(what, "application/x-ndjson", ({ body }) => linesOf<T>(body)),
      file: (method: string, path: string, type: string) => ask([method, path], type, (response) => response),
    },
  );
};
