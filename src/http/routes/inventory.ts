/** The inventory as events, for programs that pull it: each puller is one more cursor over the sequence. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { TOMBSTONE_DAYS } from "../../contract/limits.ts";
import {
  ocsfDeviceSchema,
  ocsfUserSchema,
  sekoia2026DeviceSchema,
  sekoiaDeviceSchema,
  sekoiaUserSchema,
} from "../../ocsf/index.ts";
import type { App, AppDeps } from "../deps.ts";
import { exampleEvent } from "../example-event.ts";
import { connectionParameter, dialectParameter, streamParams, strict } from "../parameters.ts";
import { ProblemError, problemResponses } from "../problems.ts";
import { raw } from "../raw.ts";
import { selectConnection } from "../select.ts";
import { afterParameter, limitParameter, pageHeaders, sequencePage } from "../sequence-pages.ts";

const security = [{ key: [] }];
const tags = ["Inventory"];

const event = z
  .union([sekoiaUserSchema, sekoiaDeviceSchema, sekoia2026DeviceSchema, ocsfUserSchema, ocsfDeviceSchema])
  .openapi("Event", {
    description: "An OCSF event: User Inventory Info (5003) or Device Inventory Info (5001).",
  });

const page = createRoute({
  method: "get",
  path: "/v1/inventory/{stream}",
  tags,
  summary: "List events after a sequence number",
  description:
    "One event per line, in sequence order: the newest state of each asset that has changed after `after`. Follow " +
    'the header `Link: <…>; rel="next"` for as long as there is one. To get only later changes, pass the last ' +
    "`X-Last-Sequence` as `after` next time. `X-Inventory` names the inventory that the numbers belong to. If it has " +
    "begun anew since, under another name, its numbers are above all earlier ones: the same `after` gets everything.",
  security,
  request: {
    params: streamParams,
    query: strict({
      after: afterParameter("events"),
      limit: limitParameter("events"),
      dialect: dialectParameter,
      connection: connectionParameter,
    }),
  },
  responses: {
    200: {
      description: "Events as NDJSON. Empty when nothing is new.",
      headers: pageHeaders,
      content: { "application/x-ndjson": { schema: event, example: exampleEvent } },
    },
    ...problemResponses(400, 401, 404, 409, 429, 503),
  },
});

const asset = createRoute({
  method: "get",
  path: "/v1/inventory/{stream}/{id}",
  tags,
  summary: "Show the newest event of one asset",
  description: `Finds an asset by its id in Okta. The last event of a deleted asset is kept for ${TOMBSTONE_DAYS} days.`,
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

const SETTLING =
  "A change of the settings or of what is known about the whole org gives all events new sequence numbers. Try again in " +
  "a few seconds.";

export const inventoryRoutes = (app: App, deps: AppDeps): void => {
  app.openapi(page, async (c) => {
    const { connection, after, limit, dialect } = c.req.valid("query");
    const { id } = selectConnection(deps.config(c.env), connection);
    const stream = deps.stream(c.env, id, c.req.valid("param").stream);
    const { events, last, head, inventory, settling } = await stream.events({ after, limit, dialect });
    if (settling === true)
      throw new ProblemError("unavailable", SETTLING, { headers: { "Retry-After": "2" } });
    const more = events.length > 0 && last < head;
    return raw(sequencePage({ lines: events, after, last, head, inventory, more, url: c.req.url }));
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
