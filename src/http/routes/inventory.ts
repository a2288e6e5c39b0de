/** The inventory as events, for whoever pulls: one more cursor over the sequence. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { ocsfDeviceSchema, ocsfUserSchema, sekoiaDeviceSchema, sekoiaUserSchema } from "../../ocsf/index.ts";
import type { App, AppDeps } from "../deps.ts";
import { exampleEvent } from "../example-event.ts";
import { connectionParameter, dialectParameter, streamParams, strict, wholeNumber } from "../parameters.ts";
import { ProblemError, problemResponses } from "../problems.ts";
import { raw } from "../raw.ts";
import { selectConnection } from "../select.ts";

const security = [{ key: [] }];
const tags = ["Inventory"];

const event = z
  .union([sekoiaUserSchema, sekoiaDeviceSchema, ocsfUserSchema, ocsfDeviceSchema])
  .openapi("Event", {
    description: "An OCSF User Inventory Info (5003) or Device Inventory Info (5001) event.",
  });

const page = createRoute({
  method: "get",
  path: "/v1/inventory/{stream}",
  tags,
  summary: "Events after a sequence number",
  description:
    "One event a line, in sequence order: the newest state of every asset that changed after `after`. Follow " +
    '`Link: <…>; rel="next"` while it is there; later, go on from `X-Last-Sequence` to get only what changed.',
  security,
  request: {
    params: streamParams,
    query: strict({
      after: wholeNumber(0, Number.MAX_SAFE_INTEGER, {
        default: 0,
        description: "Only events with a greater sequence number.",
      }),
      limit: wholeNumber(1, 10_000, {
        default: 1000,
        description: "How many events at most; a page of large events may be shorter.",
      }),
      dialect: dialectParameter,
      connection: connectionParameter,
    }),
  },
  responses: {
    200: {
      description: "Events as NDJSON; empty when there is nothing new.",
      headers: z.object({
        "X-Last-Sequence": z.string().openapi({
          type: "integer",
          description: "The greatest sequence number of this page, or `after` when it is empty.",
          example: 1903,
        }),
        Link: z.string().optional().openapi({
          description: "The next page; absent on the last one.",
          example: '<https://connector.example.com/v1/inventory/users?after=1000>; rel="next"',
        }),
      }),
      content: { "application/x-ndjson": { schema: event, example: exampleEvent } },
    },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

const asset = createRoute({
  method: "get",
  path: "/v1/inventory/{stream}/{id}",
  tags,
  summary: "The newest event of one asset",
  description: "By the asset's id in Okta. A deleted asset's last event is here for 30 days.",
  security,
  request: {
    params: streamParams.extend({
      id: z.string().min(1).max(255, "it must have at most 255 characters").openapi({
        example: "00u1a2b3c4d5e6f7g8h9",
      }),
    }),
    query: strict({ dialect: dialectParameter, connection: connectionParameter }),
  },
  responses: {
    200: {
      description: "The event.",
      content: { "application/json": { schema: event, example: exampleEvent } },
    },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

/** The URL of the next page: the one that was asked for, from where this page ends. */
const nextLink = (url: string, after: number): string => {
  const next = new URL(url);
  next.searchParams.set("after", String(after));
  // With quotes, as Okta and most clients write it; RFC 8288 takes it with and without.
  return `<${next.href}>; rel="next"`;
};

export const inventoryRoutes = (app: App, deps: AppDeps): void => {
  app.openapi(page, async (c) => {
    const { connection, after, limit, dialect } = c.req.valid("query");
    const { id } = selectConnection(deps.config(c.env), connection);
    const stream = deps.stream(c.env, id, c.req.valid("param").stream);
    const { events, last, head } = await stream.events({ after, limit, dialect });
    const headers = new Headers({
      "Content-Type": "application/x-ndjson",
      "X-Last-Sequence": String(last),
    });
    if (events.length > 0 && last < head) headers.set("Link", nextLink(c.req.url, last));
    return raw(new Response(events.map(({ json }) => `${json}\n`).join(""), { headers }));
  });

  app.openapi(asset, async (c) => {
    const { connection, dialect } = c.req.valid("query");
    const { stream, id } = c.req.valid("param");
    const selected = selectConnection(deps.config(c.env), connection);
    const found = await deps.stream(c.env, selected.id, stream).event(id, dialect);
    if (found === null)
      throw new ProblemError("not_found", `The ${stream} inventory has no asset with this id.`);
    return raw(new Response(found.json, { headers: { "Content-Type": "application/json" } }));
  });
};
