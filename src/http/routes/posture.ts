/** Posture: what in this org deserves worry. */
import { createRoute } from "@hono/zod-openapi";
import { defaultConnectionId } from "../../config/connections.ts";
import {
  type CheckCounts,
  type CheckId,
  type PostureDocument,
  postureChecks,
  postureSchema,
  type StreamPosture,
} from "../../contract/posture.ts";
import type { StreamName } from "../../contract/streams.ts";
import type { App, AppDeps } from "../deps.ts";
import { connectionParameter, oneOf, strict } from "../parameters.ts";
import { problemResponses } from "../problems.ts";
import { selectConnection, settingValue } from "../select.ts";

// `.meta` instead of `.openapi`, which a schema lacks when it was made before @hono/zod-openapi was loaded.
const documentSchema = postureSchema.meta({
  id: "Posture",
  description: "What in this org deserves worry, check by check.",
  example: {
    as_of: "2026-01-31T10:30:06.000Z",
    checks: [
      {
        id: "admin_without_mfa",
        title: "Administrators without MFA",
        severity: "high",
        stream: "users",
        count: 1,
        unknown: 0,
        excepted: 2,
        population: 950,
        search: "/v1/inventory/users/search?posture=admin_without_mfa",
        exceptions: [
          {
            group_id: "00g1a2b3c4d5e6f7g8h9",
            group: "Break glass",
            until: "2027-01-01T00:00:00.000Z",
            reason: "Break-glass accounts with long passwords in a safe",
          },
        ],
      },
    ],
  },
});

const posture = createRoute({
  method: "get",
  path: "/v1/posture",
  tags: ["Inventory"],
  summary: "Show what deserves worry",
  description:
    "Fifteen checks of the inventory, which cost no call to Okta. A check counts whom it is true of. Whom an unknown fact " +
    "leaves open is in `unknown`, and never in `count`. Whoever is a member of a group of POSTURE_EXCEPTIONS is in " +
    "`excepted` instead. Users: neither deleted nor DEPROVISIONED. `active_*`, `dormant_*`, `never_*`, `password_*` and devices: " +
    "ACTIVE. What is asked of devices about administrators is unknown until a run of both streams has succeeded.",
  security: [{ key: [] }],
  request: {
    query: strict({
      include: oneOf(["trend"], "`trend`: how each check was on the last 90 days, one point a day."),
      connection: connectionParameter,
    }),
  },
  responses: {
    200: {
      description: "The checks, the gravest ones first.",
      content: { "application/json": { schema: documentSchema } },
    },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

const NOBODY: CheckCounts = { count: 0, unknown: 0, excepted: 0, population: 0 };

/** The path that lists whom a check counts. */
const searchOf = (stream: StreamName, check: CheckId, connection: string): string => {
  const which = connection === defaultConnectionId ? {} : { connection };
  return `/v1/inventory/${stream}/search?${new URLSearchParams({ posture: check, ...which })}`;
};

/** The document of both streams' posture. @param connection the id that was asked for; undefined for the default one */
export const postureDocument = (
  streams: Readonly<Record<StreamName, StreamPosture>>,
  {
    connection = defaultConnectionId,
    withTrend,
  }: { readonly connection: string | undefined; readonly withTrend: boolean },
): PostureDocument => ({
  as_of: new Date(Math.min(...Object.values(streams).map(({ at }) => at))).toISOString(),
  checks: postureChecks.map(({ id, stream, title, severity }) => {
    const { checks, exceptions, trend } = streams[stream];
    return {
      id,
      title,
      severity,
      stream,
      ...(checks[id] ?? NOBODY),
      search: searchOf(stream, id, connection),
      exceptions: exceptions
        .filter(({ check }) => check === id)
        .map(({ groupId, group, until, reason }) => ({ group_id: groupId, group, until, reason })),
      ...(withTrend && {
        trend: trend.flatMap(({ day, checks: counts }) => {
          const those = counts[id];
          return those === undefined ? [] : [{ day, ...those }];
        }),
      }),
    };
  }),
});

export const postureRoutes = (app: App, deps: AppDeps): void => {
  app.openapi(posture, async (c) => {
    const { connection, include } = c.req.valid("query");
    const config = deps.config(c.env);
    const { id } = selectConnection(config, connection);
    settingValue(config.postureExceptions);
    const withTrend = include === "trend";
    const of = (stream: StreamName) => deps.stream(c.env, id, stream).posture(withTrend);
    const [users, devices] = await Promise.all([of("users"), of("devices")]);
    return c.json(postureDocument({ users, devices }, { connection, withTrend }), 200);
  });
};
