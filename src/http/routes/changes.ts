/** What has changed, when, and who did it. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { changeSchema, historySchema } from "../../contract/changes.ts";
import type { App, AppDeps } from "../deps.ts";
import { connectionParameter, streamParams, strict, wholeNumber } from "../parameters.ts";
import { ProblemError, problemResponses } from "../problems.ts";
import { raw } from "../raw.ts";
import { selectConnection } from "../select.ts";
import { afterParameter, limitParameter, pageHeaders, sequencePage } from "../sequence-pages.ts";

const security = [{ key: [] }];
const tags = ["History"];

const exampleActor = {
  id: "00u9z8y7x6w5v4u3t2s1",
  type: "User",
  login: "helpdesk@example.com",
  name: "Help Desk",
  ip: "203.0.113.7",
} as const;

const exampleChange = {
  sequence: 1_736_906_400_001_907,
  first_sequence: 1_736_906_400_001_903,
  at: "2026-11-25T08:14:02.000Z",
  stream: "users",
  id: "00u1a2b3c4d5e6f7g8h9",
  name: "Jane Doe",
  kind: "updated",
  source: "log",
  fields: [
    { field: "mfa_enrolled", before: true, after: false },
    { field: "mfa_factors", added: [], removed: ["push", "totp"] },
  ],
  actor: exampleActor,
  events: [
    {
      uuid: "f0a9482f-2ac1-11ef-8a30-5d6c3c2e2a11",
      type: "user.mfa.factor.reset_all",
      published: "2026-11-25T08:14:02.000Z",
      actor: exampleActor,
    },
  ],
} as const;

// `.meta` instead of `.openapi`, which a schema lacks when it was made before @hono/zod-openapi was loaded.
const change = changeSchema.meta({ id: "Change", example: exampleChange });
const historyPage = historySchema.meta({ id: "History" });

const list = createRoute({
  method: "get",
  path: "/v1/changes/{stream}",
  tags,
  summary: "List changes after a sequence number",
  description:
    "One change per line, in sequence order, by the same rules as the inventory: follow the header " +
    '`Link: <…>; rel="next"` for as long as there is one, and pass the last `X-Last-Sequence` as `after` next time. A change ' +
    "that a later log event completes comes again, under a new number and with the same `first_sequence`: whoever keeps " +
    "changes replaces the one that they have. Changes are kept for HISTORY_DAYS.",
  security,
  request: {
    params: streamParams,
    query: strict({
      after: afterParameter("changes"),
      limit: limitParameter("changes"),
      connection: connectionParameter,
    }),
  },
  responses: {
    200: {
      description: "Changes as NDJSON. Empty when nothing is new.",
      headers: pageHeaders,
      content: { "application/x-ndjson": { schema: change } },
    },
    ...problemResponses(400, 401, 404, 409, 429, 503),
  },
});

const history = createRoute({
  method: "get",
  path: "/v1/inventory/{stream}/{id}/history",
  tags,
  summary: "Show what has changed about one asset",
  description:
    "The newest change comes first. A user's history also has the changes of the groups that the user was in when they " +
    "changed: their name, the roles that they give, their end. A group's own history is found by the group's id in the " +
    "users stream. First readings are no changes, and neither are sign-ins.",
  security,
  request: {
    params: streamParams.extend({
      id: z.string().min(1).max(255, "it must have at most 255 characters").openapi({
        example: "00u1a2b3c4d5e6f7g8h9",
      }),
    }),
    query: strict({
      after: z.string().min(1).max(200).optional().openapi({ description: "`next` of the page before." }),
      limit: wholeNumber(1, 1000, { default: 50, description: "The most changes in one answer." }),
      connection: connectionParameter,
    }),
  },
  responses: {
    200: {
      description: "The changes.",
      content: { "application/json": { schema: historyPage } },
    },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

export const changesRoutes = (app: App, deps: AppDeps): void => {
  app.openapi(list, async (c) => {
    const { connection, after, limit } = c.req.valid("query");
    const { id } = selectConnection(deps.config(c.env), connection);
    const stream = deps.stream(c.env, id, c.req.valid("param").stream);
    const { changes, last, head, inventory, more } = await stream.changes({ after, limit });
    return raw(sequencePage({ lines: changes, after, last, head, inventory, more, url: c.req.url }));
  });

  app.openapi(history, async (c) => {
    const { connection, after, limit } = c.req.valid("query");
    const { stream, id } = c.req.valid("param");
    const selected = selectConnection(deps.config(c.env), connection);
    const query = after === undefined ? { limit } : { after, limit };
    const page = await deps.stream(c.env, selected.id, stream).history(id, query);
    if (page === null)
      throw new ProblemError("not_found", `The ${stream} inventory has no asset with this id.`);
    return c.json(page, 200);
  });
};
