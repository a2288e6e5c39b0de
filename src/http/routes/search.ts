/** Finding people and devices in the inventory. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { foundSchema } from "../../contract/inventory-documents.ts";
import type { SearchQuery } from "../../contract/stream-api.ts";
import type { App, AppDeps } from "../deps.ts";
import { connectionParameter, streamParams, strict, wholeNumber } from "../parameters.ts";
import { problemResponses } from "../problems.ts";
import { selectConnection } from "../select.ts";

const document = foundSchema.meta({
  id: "Found",
  description: "In the order in which the assets were first filed; what is named exactly comes first.",
  example: {
    results: [
      {
        stream: "users",
        id: "00u1a2b3c4d5e6f7g8h9",
        name: "Jane Doe",
        login: "jane@example.com",
        email: "jane@example.com",
        status: "ACTIVE",
        deleted: false,
        mfa_enrolled: true,
        is_admin: false,
        department: "Engineering",
        last_login: "2025-01-15T08:30:00.000Z",
      },
    ],
    groups: [{ id: "00g1a2b3c4d5e6f7g8h9", name: "Janitors", description: null, users_count: 12 }],
    next: null,
  },
});

const bounded = (what: string) => z.string("it must be given once").min(1, what).max(200, what);
const oneOf = <const T extends readonly [string, ...string[]]>(values: T, about: string) =>
  z
    .enum(values, `it must be ${values.slice(0, -1).join(", ")} or ${values.at(-1)}`)
    .optional()
    .openapi({ description: about });

/** What may be asked for, beside the connection. */
const searchShape = {
  q: bounded("it must have 1 to 200 characters")
    .optional()
    .openapi({
      description:
        "Words; each must begin a word of the asset's names, e-mail, login, id or serial number. Case and accents " +
        "do not matter. Without it, everything that fits the rest.",
      example: "jane",
    }),
  status: bounded("it must be a status as Okta spells it, like SUSPENDED")
    .optional()
    .openapi({ description: "As Okta spells it, like SUSPENDED." }),
  mfa: oneOf(["enrolled", "not_enrolled", "unknown"], "Users that are not DEPROVISIONED, by MFA."),
  admin: oneOf(["true"], "Users with an active role, direct or through a group."),
  unknown: oneOf(["factors", "groups", "roles"], "Users of whom this could not be read."),
  group: bounded("it must be the id of a group")
    .optional()
    .openapi({ description: "Members of the group with this id." }),
  platform: bounded("it must be a platform as the summary names it, like Windows")
    .optional()
    .openapi({ description: "Devices of this platform, as the summary names it, like Windows." }),
  compliance: bounded("it must be a compliance status as the summary names it, like UNKNOWN")
    .optional()
    .openapi({ description: "Devices of this compliance status, as the summary names it." }),
  managed: oneOf(["true", "false", "unknown"], "Devices, by whether they are managed."),
  deleted: oneOf(
    ["true", "false"],
    "`true`: deleted ones alone, kept for 30 days; `false`: those that exist. By default those that exist, and " +
      "with `q` both.",
  ),
};

const find = createRoute({
  method: "get",
  path: "/v1/inventory/{stream}/search",
  tags: ["Inventory"],
  summary: "Find people or devices",
  description:
    "What is given must all hold; what only users have fits no device, and the other way round. Groups that the " +
    "text names are told along with users.",
  security: [{ key: [] }],
  request: {
    params: streamParams,
    query: strict({
      ...searchShape,
      after: wholeNumber(0, Number.MAX_SAFE_INTEGER, {
        default: 0,
        description: "`next` of the page before.",
      }),
      limit: wholeNumber(1, 100, { default: 25, description: "How many at most." }),
      connection: connectionParameter,
    }),
  },
  responses: {
    200: { description: "What was found.", content: { "application/json": { schema: document } } },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the keys that were not given. */
const defined = <T extends object>(values: T): Given<T> =>
  // Object.fromEntries forgets the keys' types.
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;

/** Register it before the route of a single asset, whose id could be anything. */
export const searchRoutes = (app: App, deps: AppDeps): void => {
  app.openapi(find, async (c) => {
    const { connection, after, limit, admin, managed, deleted, ...words } = c.req.valid("query");
    const query: SearchQuery = {
      ...defined(words),
      ...(admin !== undefined && { admin: true as const }),
      ...(managed !== undefined && { managed: managed === "unknown" ? managed : managed === "true" }),
      ...(deleted !== undefined && { deleted: deleted === "true" }),
      after,
      limit,
    };
    const { id } = selectConnection(deps.config(c.env), connection);
    return c.json(await deps.stream(c.env, id, c.req.valid("param").stream).search(query), 200);
  });
};
