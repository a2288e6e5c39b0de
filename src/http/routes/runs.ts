/** Starting, watching and cancelling runs, and a person's word on held-back deletions. */

import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import { runKindSchema } from "../../contract/status.ts";
import type { StreamApi } from "../../contract/stream-api.ts";
import type { StreamName } from "../../contract/streams.ts";
import { needsFullRights } from "../auth/index.ts";
import type { App, AppDeps, AppEnv } from "../deps.ts";
import { connectionQuery, streamParams, strict } from "../parameters.ts";
import { problemResponses } from "../problems.ts";
import { runDocument, runsDocument } from "../schemas.ts";
import { granted, selectConnection, settingValue } from "../select.ts";

const security = [{ key: [] }];
const request = { params: streamParams, query: connectionQuery };
const tags = ["Runs"];

const start = createRoute({
  method: "post",
  path: "/v1/streams/{stream}/runs",
  tags,
  summary: "Start a run",
  description: "While a run is on, answers 200 with that run and starts nothing.",
  security,
  middleware: needsFullRights,
  request: {
    ...request,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: strict({
            kind: z.enum(runKindSchema.options, 'it must be "full" or "delta"').openapi({
              description: "`full` reads everything; `delta` reads what changed since the last run.",
            }),
          }),
          example: { kind: "full" },
        },
      },
    },
  },
  responses: {
    200: { description: "A run was on.", content: { "application/json": { schema: runDocument } } },
    202: { description: "The run has begun.", content: { "application/json": { schema: runDocument } } },
    ...problemResponses(400, 401, 403, 404, 409, 413, 415, 429, 503),
  },
});

const history = createRoute({
  method: "get",
  path: "/v1/streams/{stream}/runs",
  tags,
  summary: "Runs",
  description: "Newest first, at most 100; the one that is on leads.",
  security,
  request,
  responses: {
    200: { description: "The runs.", content: { "application/json": { schema: runsDocument } } },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

const cancel = createRoute({
  method: "delete",
  path: "/v1/streams/{stream}/runs/current",
  tags,
  summary: "Cancel the current run",
  description: "Everything already stored stays.",
  security,
  middleware: needsFullRights,
  request,
  responses: {
    200: { description: "The cancelled run.", content: { "application/json": { schema: runDocument } } },
    ...problemResponses(400, 401, 403, 404, 409, 429, 503),
  },
});

const confirm = createRoute({
  method: "post",
  path: "/v1/streams/{stream}/deletions/confirm",
  tags,
  summary: "Let held-back deletions go on",
  description:
    "When more of the known assets are absent than DELETION_GUARD allows, deletions wait for this. Look at " +
    "`held_deletions` first.",
  security,
  middleware: needsFullRights,
  request,
  responses: {
    200: {
      description: "How many deletions go on.",
      content: {
        "application/json": {
          schema: z.object({ confirmed: z.number().int() }),
          example: { confirmed: 12 },
        },
      },
    },
    ...problemResponses(400, 401, 403, 404, 409, 429, 503),
  },
});

export const runRoutes = (app: App, deps: AppDeps): void => {
  const streamOf = (c: Context<AppEnv>, connection: string, stream: StreamName): StreamApi =>
    deps.stream(c.env, selectConnection(deps.config(c.env), connection).id, stream);

  app.openapi(start, async (c) => {
    const stream = streamOf(c, c.req.valid("query").connection, c.req.valid("param").stream);
    const { runProblems: problems } = deps.config(c.env);
    if (problems.length > 0) settingValue({ ok: false, problems });
    const { started, run } = granted(await stream.startRun(c.req.valid("json").kind));
    return started ? c.json(run, 202) : c.json(run, 200);
  });

  app.openapi(history, async (c) => {
    const stream = streamOf(c, c.req.valid("query").connection, c.req.valid("param").stream);
    return c.json({ runs: [...(await stream.runs())] }, 200);
  });

  app.openapi(cancel, async (c) => {
    const stream = streamOf(c, c.req.valid("query").connection, c.req.valid("param").stream);
    return c.json(granted(await stream.cancelRun()), 200);
  });

  app.openapi(confirm, async (c) => {
    const stream = streamOf(c, c.req.valid("query").connection, c.req.valid("param").stream);
    return c.json(granted(await stream.confirmDeletions()), 200);
  });
};
