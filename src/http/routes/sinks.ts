/** Operating a sink: sending events again, and dead letters. */

import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import type { StreamName } from "../../contract/streams.ts";
import { deadLettersSchema, deliveryStub } from "../../delivery/api.ts";
import { problemsOfSink, sinksTaking } from "../../delivery/settings.ts";
import { needsFullRights } from "../auth/index.ts";
import type { App, AppDeps, AppEnv } from "../deps.ts";
import { connectionParameter, connectionQuery, streamParameter, strict, wholeNumber } from "../parameters.ts";
import { ProblemError, problemResponses } from "../problems.ts";
import { granted, selectConnection } from "../select.ts";

const security = [{ key: [] }];
const tags = ["Sinks"];

const params = z.object({
  stream: streamParameter,
  name: z
    .string()
    .regex(/^[a-zA-Z0-9_-]{1,64}$/, "it must be the name of a sink in SINKS")
    .openapi({ description: "The sink's name in the setting SINKS.", example: "siem" }),
});

const replay = createRoute({
  method: "post",
  path: "/v1/streams/{stream}/sinks/{name}/replay",
  tags,
  summary: "Send events again",
  description:
    "Moves the sink's cursor back, so that the newest state of every asset that has changed after this sequence " +
    "number is sent once more. 0 sends the whole inventory. If the sink is waiting after a failure, it tries again " +
    "at once.",
  security,
  middleware: needsFullRights,
  request: {
    params,
    query: connectionQuery,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: strict({
            after: z
              .number("it must be a sequence number, 0 or greater")
              .int("it must be a sequence number, 0 or greater")
              .min(0, "it must be a sequence number, 0 or greater"),
          }),
          example: { after: 0 },
        },
      },
    },
  },
  responses: {
    202: {
      description: "The new position of the cursor, from which delivery continues.",
      content: {
        "application/json": { schema: z.object({ position: z.number().int() }), example: { position: 0 } },
      },
    },
    ...problemResponses(400, 401, 403, 404, 409, 413, 415, 429, 503),
  },
});

// `.meta` instead of `.openapi`, which a schema lacks when it was made before @hono/zod-openapi was loaded.
const deadLettersDocumentSchema = deadLettersSchema.meta({
  id: "DeadLetters",
  description: "Events that the sink refuses to accept, at most one per asset, in sequence order.",
  example: {
    dead_letters: [
      {
        id: "default/users/00u1a2b3c4d5e6f7g8h9/1736906400001811",
        asset_id: "00u1a2b3c4d5e6f7g8h9",
        sequence: 1_736_906_400_001_811,
        code: "refused",
        http_status: 400,
        message: '[POST] "https://siem.example.com/…": 400 Bad Request user.email_addr is not an address',
        first_at: "2025-01-15T02:07:00.000Z",
        last_at: "2025-01-15T02:07:00.000Z",
        attempts: 1,
        retrying: false,
      },
    ],
    total: 1,
    next: null,
  },
});

const list = createRoute({
  method: "get",
  path: "/v1/streams/{stream}/sinks/{name}/dead-letters",
  tags,
  summary: "List dead letters",
  description:
    "Each event that the sink refuses, with the sink's answer. A dead letter goes away once a newer state of its " +
    "asset is delivered.",
  security,
  request: {
    params,
    query: strict({
      connection: connectionParameter,
      after: wholeNumber(0, Number.MAX_SAFE_INTEGER, {
        description:
          "Only dead letters with a higher sequence number than this: `next` of the previous page.",
        default: 0,
      }),
      limit: wholeNumber(1, 1000, { description: "The most dead letters in one answer.", default: 100 }),
    }),
  },
  responses: {
    200: {
      description: "The dead letters.",
      content: { "application/json": { schema: deadLettersDocumentSchema } },
    },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

const maxIds = 1000;
const idsMessage = `it must be a list of 1 to ${maxIds} ids of dead letters`;

const settle = createRoute({
  method: "post",
  path: "/v1/streams/{stream}/sinks/{name}/dead-letters",
  tags,
  summary: "Retry or drop dead letters",
  description:
    "Applies to the dead letters in `ids`, or to all of them without it. Without a body, all are sent once more.",
  security,
  middleware: needsFullRights,
  request: {
    params,
    query: connectionQuery,
    body: {
      required: false,
      content: {
        "application/json": {
          schema: strict({
            action: z.enum(["retry", "drop"], 'it must be "retry" or "drop"').default("retry"),
            ids: z
              .array(z.string(idsMessage).max(1024, idsMessage), idsMessage)
              .min(1, idsMessage)
              .max(maxIds, idsMessage)
              .optional(),
          }),
          example: { action: "retry" },
        },
      },
    },
  },
  responses: {
    202: {
      description: "How many dead letters will be sent again, or have been dropped.",
      content: {
        "application/json": {
          schema: z.object({ action: z.enum(["retry", "drop"]), count: z.number().int() }),
          example: { action: "retry" as const, count: 1 },
        },
      },
    },
    ...problemResponses(400, 401, 403, 404, 413, 415, 429, 503),
  },
});

export const sinkRoutes = (app: App, deps: AppDeps): void => {
  const deliveryOf = (c: Context<AppEnv>, connectionId: string, stream: StreamName, name: string) => {
    const config = deps.config(c.env);
    const connection = selectConnection(config, connectionId).id;
    const runs = sinksTaking(config.sinks, { connection, stream }).some((sink) => sink.name === name);
    if (!runs) {
      const problems = problemsOfSink(config.sinks, name);
      if (problems.length > 0) {
        throw new ProblemError(
          "misconfigured",
          `The sink ${name} does not run, because its settings are wrong.`,
          {
            problems,
          },
        );
      }
      throw new ProblemError("not_found", `The setting SINKS has no sink ${name} for the stream ${stream}.`);
    }
    const identity = { connection, stream, sink: name };
    return { identity, delivery: deliveryStub(c.env, identity) };
  };

  app.openapi(replay, async (c) => {
    const { stream, name } = c.req.valid("param");
    const { identity, delivery } = deliveryOf(c, c.req.valid("query").connection, stream, name);
    return c.json(granted(await delivery.replay(identity, c.req.valid("json").after)), 202);
  });

  app.openapi(list, async (c) => {
    const { stream, name } = c.req.valid("param");
    const { connection, after, limit } = c.req.valid("query");
    return c.json(await deliveryOf(c, connection, stream, name).delivery.deadLetters(after, limit), 200);
  });

  app.openapi(settle, async (c) => {
    const { stream, name } = c.req.valid("param");
    const { delivery } = deliveryOf(c, c.req.valid("query").connection, stream, name);
    // Without a body nothing was validated, so the schema's default did not apply.
    const { action = "retry", ids } = c.req.valid("json") ?? {};
    const count = await delivery.settleDeadLetters(action, ids ?? null);
    return c.json({ action, count }, 202);
  });
};
