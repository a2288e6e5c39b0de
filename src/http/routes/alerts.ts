/** Alerts: what needs a person now, and a test of a channel. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { attentionAlert } from "../../alerts/decide.ts";
import { sendAlert, testAlert } from "../../alerts/send.ts";
import { type AlertChannel, channelsFor } from "../../config/alert-channels.ts";
import { alertSchema } from "../../contract/alerts.ts";
import { streamNames } from "../../contract/streams.ts";
import { needsFullRights } from "../auth/index.ts";
import type { Config } from "../config.ts";
import type { App, AppDeps } from "../deps.ts";
import { connectionQuery, strict } from "../parameters.ts";
import { ProblemError, problemResponses } from "../problems.ts";
import { unknownConnection } from "../select.ts";

const security = [{ key: [] }];
const tags = ["Alerts"];

// `.meta` instead of `.openapi`, which a schema lacks when it was made before @hono/zod-openapi was loaded.
const alertDocumentSchema = alertSchema.meta({
  id: "Alert",
  description: "Something that needs a person, or a change that somebody wants to hear of.",
});

const list = createRoute({
  method: "get",
  path: "/v1/alerts",
  tags,
  summary: "List what needs a person now",
  description:
    "The `attention` of both streams of the connection, as it is told in alerts. It does not matter whether a channel is " +
    "configured.",
  security,
  request: { query: connectionQuery },
  responses: {
    200: {
      description: "What needs a person now, the most urgent first; none if nothing does.",
      content: { "application/json": { schema: z.object({ alerts: z.array(alertDocumentSchema) }) } },
    },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

const trySchema = z.object({
  ok: z.boolean().meta({ description: "Whether the channel has taken the alert." }),
  http_status: z.number().int().nullable().meta({ description: "Null if there was no answer." }),
  message: z.string(),
});

const nameMessage = "it must be the name of a channel in ALERTS";

const test = createRoute({
  method: "post",
  path: "/v1/alerts/test",
  tags,
  summary: "Send a test alert to a channel",
  description:
    "The alert has the code `test` and says that nothing is wrong. It is sent once, and not tried again.",
  security,
  middleware: needsFullRights,
  request: {
    query: connectionQuery,
    body: {
      required: true,
      content: {
        "application/json": { schema: strict({ name: z.string(nameMessage) }), example: { name: "soc" } },
      },
    },
  },
  responses: {
    200: {
      description: "What the channel answered.",
      content: {
        "application/json": {
          schema: trySchema,
          example: { ok: true, http_status: 200, message: "The channel soc has taken the alert." },
        },
      },
    },
    ...problemResponses(400, 401, 403, 404, 413, 415, 429, 503),
  },
});

/** The id of a connection that the settings name, whether they are valid or not. */
const namedConnection = (config: Config, id: string): string => {
  if (config.connections.has(id)) return id;
  throw unknownConnection(config);
};

const channelNamed = (config: Config, connection: string, name: string): AlertChannel => {
  const channels = channelsFor(config.alerts, connection);
  const channel = channels.find((one) => one.name === name);
  if (channel !== undefined) return channel;
  const { problems } = config.alerts;
  if (problems.length > 0)
    throw new ProblemError(
      "misconfigured",
      "The channel is not there, and some are left out because their settings are wrong.",
      { problems },
    );
  const known = channels.map((one) => one.name).join(", ");
  throw new ProblemError(
    "not_found",
    known === ""
      ? "The setting ALERTS has no channel for this connection."
      : `There is no such channel. The channels are ${known}.`,
  );
};

export const alertRoutes = (app: App, deps: AppDeps): void => {
  app.openapi(list, async (c) => {
    const config = deps.config(c.env);
    const connection = namedConnection(config, c.req.valid("query").connection);
    const { publicUrl } = config.alerts;
    const origin = { connection, publicUrl: publicUrl.ok ? publicUrl.value : null };
    const statuses = await Promise.all(
      streamNames.map((name) => deps.stream(c.env, connection, name).status()),
    );
    const alerts = statuses.flatMap(({ stream, attention = [] }) =>
      attention.map((need) => attentionAlert(need, stream, origin)),
    );
    const errorsFirst = alerts.toSorted(
      (a, b) => Number(b.severity === "error") - Number(a.severity === "error"),
    );
    return c.json({ alerts: errorsFirst }, 200);
  });

  app.openapi(test, async (c) => {
    const config = deps.config(c.env);
    const connection = namedConnection(config, c.req.valid("query").connection);
    const channel = channelNamed(config, connection, c.req.valid("json").name);
    const sent = await sendAlert(deps.fetch, channel, testAlert(channel, connection, deps.now()));
    return c.json({ ok: sent.ok, http_status: sent.httpStatus, message: sent.message }, 200);
  });
};
