/** A test of the connection in progress: sends the parts of the page as they change. */
import type { Context } from "hono";
import type { JSX } from "hono/jsx/jsx-runtime";
import { stream } from "hono/streaming";
import type { Check, TestEvent } from "../connection-test/index.ts";
import { errorFields, log } from "../lib/log.ts";
import { type ConsoleEnv, documentOf } from "./respond.tsx";
import { type ShownTest, TestResult } from "./test-parts.tsx";

/** The new HTML of the element with this id. After the `last` part nothing changes any more. */
interface Part {
  readonly id: "main" | "result";
  readonly html: string;
  readonly last?: true;
}

type PageWith = (test: ShownTest) => JSX.Element;

/**
 * The parts of a test: the whole page when it begins, the results after each check, and the whole page when it ends, the
 * same as without streaming.
 */
async function* partsOf(
  of: ShownTest["of"],
  events: AsyncIterable<TestEvent>,
  page: PageWith,
): AsyncGenerator<Part> {
  const checks = new Map<number, Check>();
  let names: readonly string[] = [];
  for await (const event of events) {
    switch (event.type) {
      case "checks":
        names = event.names;
        yield { id: "main", html: documentOf(page({ of, underWay: { names, checks } })) };
        break;
      case "check":
        checks.set(event.index, event.check);
        yield { id: "result", html: String(<TestResult test={{ of, underWay: { names, checks } }} />) };
        break;
      case "document": {
        const answer = { ok: true, status: 200, value: event.document } as const;
        yield { id: "main", html: documentOf(page({ of, answer })), last: true };
        break;
      }
      case "problem": {
        const { status, code, title, detail } = event.problem;
        const answer = { ok: false, problem: { status, code, title, detail } } as const;
        yield { id: "main", html: documentOf(page({ of, answer })), last: true };
      }
    }
  }
}

/** Sends each part as a line of JSON. When the stream ends without a `last` part, the script says it was cut off. */
export const streamTest = (
  c: Context<ConsoleEnv>,
  of: ShownTest["of"],
  events: AsyncIterable<TestEvent>,
  page: PageWith,
): Response => {
  c.header("Content-Type", "application/x-ndjson");
  return stream(
    c,
    async (out) => {
      for await (const part of partsOf(of, events, page)) await out.writeln(JSON.stringify(part));
    },
    async (error) => {
      log("error", "request_failed", { request_id: c.get("requestId"), ...errorFields(error) });
    },
  );
};
