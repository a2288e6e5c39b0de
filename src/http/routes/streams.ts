/** The status of the streams. */

import { createRoute } from "@hono/zod-openapi";
import type { SettingProblem } from "../../config/types.ts";
import type { StreamStatus } from "../../contract/status.ts";
import type { StreamApi } from "../../contract/stream-api.ts";
import { streamNames } from "../../contract/streams.ts";
import { type Config, problemsOfParts } from "../config.ts";
import type { App, AppDeps } from "../deps.ts";
import { connectionQuery, streamParams } from "../parameters.ts";
import { problemResponses } from "../problems.ts";
import { streamDocumentSchema, streamsDocumentSchema } from "../schemas.ts";
import { selectConnection } from "../select.ts";

const security = [{ key: [] }];

const list = createRoute({
  method: "get",
  path: "/v1/streams",
  tags: ["Streams"],
  summary: "Show the status of both streams",
  security,
  request: { query: connectionQuery },
  responses: {
    200: {
      description: "The status of both streams of the connection.",
      content: { "application/json": { schema: streamsDocumentSchema } },
    },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

const one = createRoute({
  method: "get",
  path: "/v1/streams/{stream}",
  tags: ["Streams"],
  summary: "Show the status of a stream",
  description: "The state, the run in progress, the counts, the sinks and the rate limits.",
  security,
  request: { params: streamParams, query: connectionQuery },
  responses: {
    200: {
      description: "The status of the stream.",
      content: { "application/json": { schema: streamDocumentSchema } },
    },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

/** Wrong settings that affect only a part. They stop no stream, so the streams' status reports them. */
const partialProblems = (config: Config): { problems?: SettingProblem[] } => {
  const problems = problemsOfParts(config);
  return problems.length === 0 ? {} : { problems };
};

/** What version 0.1.0 does not tell of a stream. */
const added = [
  "inventory",
  "org_id",
  "attention",
  "delta",
  "current_as_of",
  "next_delta_at",
  "last_hook_at",
] as const;

/** A stream's status. During a gradual deployment, an object of version 0.1.0 leaves out what is new. */
const statusOf = async (stream: Pick<StreamApi, "status">): Promise<StreamStatus> => {
  const status: Partial<StreamStatus> & Omit<StreamStatus, (typeof added)[number]> = await stream.status();
  return {
    inventory: "",
    org_id: null,
    attention: [],
    delta: null,
    current_as_of: null,
    next_delta_at: null,
    last_hook_at: null,
    ...status,
  };
};

export const streamRoutes = (app: App, deps: AppDeps): void => {
  app.openapi(list, async (c) => {
    const config = deps.config(c.env);
    const { id } = selectConnection(config, c.req.valid("query").connection);
    const streams = await Promise.all(streamNames.map((name) => statusOf(deps.stream(c.env, id, name))));
    return c.json({ streams, ...partialProblems(config) }, 200);
  });

  app.openapi(one, async (c) => {
    const config = deps.config(c.env);
    const { id } = selectConnection(config, c.req.valid("query").connection);
    const status = await statusOf(deps.stream(c.env, id, c.req.valid("param").stream));
    return c.json({ ...status, ...partialProblems(config) }, 200);
  });
};
