/** A test of the connection while it goes on: the page as it changes, part by part. */
import type { Context } from "hono";
import type { JSX } from "hono/jsx/jsx-runtime";
import { stream } from "hono/streaming";
import type { Check, TestEvent } from "../connection-test/index.ts";
import { errorFields, log } from "../lib/log.ts";
import { type ConsoleEnv, documentOf } from "./respond.tsx";
import { type ShownTest, TestResult } from "./test-parts.tsx";

/** What the element with this id looks like from now on; after the `last` one nothing changes any more. */
interface Part {
  readonly id: "main" | "result";
  readonly html: string;
  readonly last?: true;
}

type PageWith = (test: ShownTest) => JSX.Element;

/** The whole page when the test begins and when it has ended, so that it ends as if the answer had come at once. */
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

/** Each part as a line of JSON. One that ends without its last part was cut off; the script says so. */
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
