/** The connections: those of the settings, and those that were taken out of them. */

import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import { connectionIdPattern } from "../../config/connection-entries.ts";
import { problemsOf } from "../../config/problem.ts";
import type { SettingProblem } from "../../config/types.ts";
import { type ConnectionDocument, connectionSchema } from "../../contract/connections.ts";
import { connectionDocuments, goneDocument } from "../../registry/index.ts";
import { needsFullRights } from "../auth/index.ts";
import type { Config } from "../config.ts";
import type { App, AppDeps, AppEnv } from "../deps.ts";
import { strict } from "../parameters.ts";
import { ProblemError, problemResponses, settingProblemsSchema } from "../problems.ts";
import { unknownConnection } from "../select.ts";

const security = [{ key: [] }];
const tags = ["Connections"];
const query = strict({});

const params = z.object({
  id: z
    .string()
    .regex(connectionIdPattern, "it must be the id of a connection")
    .openapi({ description: "The connection's id.", example: "acme" }),
});

// `.meta` instead of `.openapi`, which a schema lacks when it was made before @hono/zod-openapi was loaded.
const connectionDocumentSchema = connectionSchema
  .extend({
    problems: settingProblemsSchema.optional().meta({
      description: "What is wrong with the connection's settings. Left out when they are valid.",
    }),
  })
  .meta({
    id: "Connection",
    description: "A connection: one Okta org with one credential.",
    example: {
      id: "acme",
      source: "settings",
      base_url: "https://acme.okta.com",
      state: "removed",
      removed_at: "2025-01-15T02:00:00.000Z",
      purge_at: "2025-01-22T02:00:00.000Z",
    },
  });
const content = { "application/json": { schema: connectionDocumentSchema } };

const list = createRoute({
  method: "get",
  path: "/v1/connections",
  tags,
  summary: "List the connections",
  description:
    "Those of the settings in their order, then those that were taken out of the settings and are not purged yet.",
  security,
  request: { query },
  responses: {
    200: {
      description: "The connections.",
      content: {
        "application/json": {
          schema: z.object({
            connections: z.array(connectionDocumentSchema),
            total: z.number().int(),
            next: z.null().openapi({ description: "Always null: all connections are listed." }),
            problems: settingProblemsSchema.optional().openapi({
              description:
                "Wrong entries of CONNECTIONS that name no connection. Left out when there are none.",
            }),
          }),
        },
      },
    },
    ...problemResponses(400, 401, 429, 503),
  },
});

const one = createRoute({
  method: "get",
  path: "/v1/connections/{id}",
  tags,
  summary: "Show a connection",
  security,
  request: { params, query },
  responses: {
    200: { description: "The connection.", content },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/connections/{id}",
  tags,
  summary: "Purge a removed connection",
  description:
    "Deletes everything that is stored of a connection that was taken out of the settings: both inventories with their " +
    "runs and sequence numbers, where its sinks stand, the counters, and the cached look-ups. Without this it happens by " +
    "itself 7 days after the removal. It cannot be undone. What sinks have received stays with them. Once everything is " +
    "deleted, the connection is unknown.",
  security,
  middleware: needsFullRights,
  request: { params, query },
  responses: {
    202: { description: "The purge has begun, or was in progress already.", content },
    ...problemResponses(400, 401, 403, 404, 409, 429, 503),
  },
});

type Shown = z.infer<typeof connectionDocumentSchema>;

/** With what is wrong with its settings, for one that is in them. */
const shown = (config: Config, document: ConnectionDocument): Shown => {
  const setting = config.namedConnections.has(document.id) ? config.connections.get(document.id) : undefined;
  const problems: SettingProblem[] = setting === undefined ? [] : [...problemsOf(setting)];
  return problems.length === 0 ? document : { ...document, problems };
};

export const connectionRoutes = (app: App, deps: AppDeps): void => {
  const allOf = async (c: Context<AppEnv>, config: Config): Promise<ConnectionDocument[]> => {
    const seen = { named: [...config.namedConnections], complete: config.connectionProblems.length === 0 };
    return connectionDocuments(seen, await deps.registry(c.env).known());
  };

  /** The connection of this id, in the settings or known from before. */
  const oneOf = async (c: Context<AppEnv>, config: Config, id: string): Promise<ConnectionDocument> => {
    const found = (await allOf(c, config)).find((document) => document.id === id);
    if (found === undefined) throw unknownConnection(config);
    return found;
  };

  app.openapi(list, async (c) => {
    const config = deps.config(c.env);
    const connections = (await allOf(c, config)).map((document) => shown(config, document));
    const problems = [...config.connectionProblems];
    const body = { connections, total: connections.length, next: null };
    return c.json(problems.length === 0 ? body : { ...body, problems }, 200);
  });

  app.openapi(one, async (c) => {
    const config = deps.config(c.env);
    return c.json(shown(config, await oneOf(c, config, c.req.valid("param").id)), 200);
  });

  app.openapi(remove, async (c) => {
    const config = deps.config(c.env);
    const { id } = c.req.valid("param");
    const { state } = await oneOf(c, config, id);
    if (state === "active") {
      // It may be in an entry that cannot be read.
      if (!config.namedConnections.has(id)) throw unknownConnection(config);
      const detail = `The connection ${id} is in the settings. Take it out of the settings first.`;
      throw new ProblemError("conflict", detail);
    }
    const purging = await deps.registry(c.env).purge(id);
    // The purge that was in progress has ended meanwhile.
    if (purging === null) throw unknownConnection(config);
    return c.json(shown(config, goneDocument(purging)), 202);
  });
};
