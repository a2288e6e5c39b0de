/** Starting, listing and cancelling runs; looking at held deletions and confirming them. */

import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import { runKindSchema } from "../../contract/status.ts";
import type { StreamApi } from "../../contract/stream-api.ts";
import type { StreamName } from "../../contract/streams.ts";
import { needsFullRights } from "../auth/index.ts";
import type { App, AppDeps, AppEnv } from "../deps.ts";
import {
  connectionParameter,
  connectionQuery,
  once,
  streamParams,
  strict,
  wholeNumber,
} from "../parameters.ts";
import { problemResponses } from "../problems.ts";
import { heldDeletionsDocumentSchema, runDocumentSchema, runsDocumentSchema } from "../schemas.ts";
import { granted, selectConnection, settingValue } from "../select.ts";

const security = [{ key: [] }];
const request = { params: streamParams, query: connectionQuery };
const tags = ["Runs"];

const start = createRoute({
  method: "post",
  path: "/v1/streams/{stream}/runs",
  tags,
  summary: "Start a run",
  description:
    "A full run and a delta run can be in progress at the same time. While a run of the requested kind is in progress, " +
    "this answers 200 with that run and starts no other: a run that is waiting after a failure tries again at once, and " +
    "a delta run polls the System Log once more before it ends.",
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
              description:
                "`full` reads everything; `delta` reads what has changed since the last run. The first run is always full.",
            }),
          }),
          example: { kind: "full" },
        },
      },
    },
  },
  responses: {
    200: {
      description: "A run of this kind was already in progress.",
      content: { "application/json": { schema: runDocumentSchema } },
    },
    202: {
      description: "The run has started.",
      content: { "application/json": { schema: runDocumentSchema } },
    },
    ...problemResponses(400, 401, 403, 404, 409, 413, 415, 429, 503),
  },
});

const history = createRoute({
  method: "get",
  path: "/v1/streams/{stream}/runs",
  tags,
  summary: "List runs",
  description:
    "Lists at most 100 runs: those in progress first, then the others from the newest to the oldest.",
  security,
  request,
  responses: {
    200: { description: "The runs.", content: { "application/json": { schema: runsDocumentSchema } } },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

const cancel = createRoute({
  method: "delete",
  path: "/v1/streams/{stream}/runs/current",
  tags,
  summary: "Cancel the current run",
  description:
    "Cancels the full run in progress or, when there is none, the delta run. Everything that the run has already " +
    "stored stays.",
  security,
  middleware: needsFullRights,
  request,
  responses: {
    200: {
      description: "The cancelled run.",
      content: { "application/json": { schema: runDocumentSchema } },
    },
    ...problemResponses(400, 401, 403, 404, 409, 429, 503),
  },
});

const deletions = createRoute({
  method: "get",
  path: "/v1/streams/{stream}/deletions",
  tags,
  summary: "List held deletions",
  description:
    "The assets that are missing from Okta's list and whose deletion waits for a person, in order of id. " +
    "`GET /v1/inventory/{stream}/search?held=true` finds them by words and other criteria.",
  security,
  request: {
    params: streamParams,
    query: strict({
      after: z
        .string(once)
        .max(100, "it must be `next` of the previous page")
        .default("")
        .openapi({ description: "`next` of the previous page." }),
      limit: wholeNumber(1, 500, { default: 100, description: "The most assets on one page." }),
      connection: connectionParameter,
    }),
  },
  responses: {
    200: {
      description: "The held deletions.",
      content: { "application/json": { schema: heldDeletionsDocumentSchema } },
    },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

const confirm = createRoute({
  method: "post",
  path: "/v1/streams/{stream}/deletions/confirm",
  tags,
  summary: "Confirm held deletions",
  description:
    "When a larger part of the known assets is absent from Okta's list than DELETION_GUARD allows, or the list is " +
    "empty, the deletions are held until a person confirms them here. Look at `GET …/deletions` first. Each asset is looked " +
    "for once more by its id before it is marked deleted.",
  security,
  middleware: needsFullRights,
  request,
  responses: {
    202: {
      description:
        "The run that looks for them; its `changes` tell how many are deleted, and how many are still there.",
      content: { "application/json": { schema: runDocumentSchema } },
    },
    ...problemResponses(400, 401, 403, 404, 409, 429, 503),
  },
});

const reset = createRoute({
  method: "post",
  path: "/v1/streams/{stream}/reset",
  tags,
  summary: "Forget the inventory",
  description:
    "Forgets the stream's inventory and starts the first run of the org that is there now. This is for a connection whose " +
    "base URL leads to another Okta org than before: `attention` then has the code `org_changed`. Sinks and clients get " +
    "the new inventory under greater sequence numbers. The runs that have ended stay in the list of runs.",
  security,
  middleware: needsFullRights,
  request: {
    ...request,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: strict({
            org_id: z
              .string("it must be the id of an Okta org, such as 00o1n8sbwArJ7OQRw406")
              .min(1)
              .max(100)
              .openapi({
                description: "Okta's id of the org that is there now, as a check that you mean this org.",
              }),
          }),
          example: { org_id: "00o1n8sbwArJ7OQRw406" },
        },
      },
    },
  },
  responses: {
    202: {
      description: "The inventory is forgotten, and the first run has started.",
      content: { "application/json": { schema: runDocumentSchema } },
    },
    ...problemResponses(400, 401, 403, 404, 409, 413, 415, 429, 503),
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

  app.openapi(deletions, async (c) => {
    const { after, limit, connection } = c.req.valid("query");
    const stream = streamOf(c, connection, c.req.valid("param").stream);
    return c.json(await stream.heldDeletions(after, limit), 200);
  });

  app.openapi(reset, async (c) => {
    const stream = streamOf(c, c.req.valid("query").connection, c.req.valid("param").stream);
    return c.json(granted(await stream.reset(c.req.valid("json").org_id)), 202);
  });

  app.openapi(confirm, async (c) => {
    const stream = streamOf(c, c.req.valid("query").connection, c.req.valid("param").stream);
    const { run } = granted(await stream.confirmDeletions());
    // During a gradual deployment, an object of the version before does not name the run.
    const [newest] = run === undefined ? await stream.runs() : [run];
    if (newest === undefined) throw new Error("confirming deletions has started no run");
    return c.json(newest, 202);
  });
};
