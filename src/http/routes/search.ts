/** Finding users and devices in the inventory. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { foundSchema } from "../../contract/inventory-documents.ts";
import { TOMBSTONE_DAYS } from "../../contract/limits.ts";
import type { SearchQuery } from "../../contract/stream-api.ts";
import { maxSearchLength } from "../bounds.ts";
import type { App, AppDeps } from "../deps.ts";
import { connectionParameter, once, streamParams, strict, wholeNumber } from "../parameters.ts";
import { problemResponses } from "../problems.ts";
import { selectConnection } from "../select.ts";

const searchResultsSchema = foundSchema.meta({
  id: "Found",
  description:
    "What a search found, in the order in which the assets were first stored. An asset that `q` names exactly, by " +
    "its id, login or e-mail address, comes first.",
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
        phishing_resistant: false,
        is_admin: false,
        department: "Engineering",
        last_login: "2025-01-15T08:30:00.000Z",
      },
    ],
    groups: [{ id: "00g1a2b3c4d5e6f7g8h9", name: "Janitors", description: null, users_count: 12 }],
    next: null,
  },
});

const bounded = (rule: string) => z.string(once).min(1, rule).max(maxSearchLength, rule);
const oneOf = <const T extends readonly [string, ...string[]]>(values: T, about: string) =>
  z
    .enum(values, `it must be ${values.slice(0, -1).join(", ")} or ${values.at(-1)}`)
    .optional()
    .openapi({ description: about });

/** The criteria of a search. */
const searchShape = {
  q: bounded(`it must have 1 to ${maxSearchLength} characters`)
    .optional()
    .openapi({
      description:
        "Words. Each must be the beginning of a word in the asset's names, e-mail addresses, login, id or serial " +
        "number. Case and accents do not matter. Without `q`, all assets that meet the other criteria are found.",
      example: "jane",
    }),
  status: bounded("it must be a status as Okta spells it, such as SUSPENDED")
    .optional()
    .openapi({ description: "A status as Okta spells it, such as SUSPENDED." }),
  mfa: oneOf(
    ["enrolled", "not_enrolled", "unknown"],
    "Users who are not DEPROVISIONED, by whether they have MFA.",
  ),
  phishing_resistant: oneOf(
    ["true", "false", "unknown"],
    "Users who are not DEPROVISIONED, by whether one of their factors is webauthn, u2f or fastpass.",
  ),
  admin: oneOf(["true"], "Users with an active administrator role, their own or one of their groups'."),
  unknown: oneOf(["factors", "groups", "roles"], "Users of whom this fact is unknown."),
  group: bounded("it must be the id of a group")
    .optional()
    .openapi({ description: "Users who are members of the group with this id." }),
  platform: bounded("it must be a platform as the summary names it, such as Windows")
    .optional()
    .openapi({ description: "Devices with this platform, as the summary names it, such as Windows." }),
  compliance: bounded("it must be a compliance status as the summary names it, such as UNKNOWN")
    .optional()
    .openapi({
      description: "Devices with this compliance status, as the summary names it, such as UNKNOWN.",
    }),
  managed: oneOf(["true", "false", "unknown"], "Devices, by whether they are managed."),
  held: oneOf(
    ["true"],
    "Assets whose deletion waits for a person; see `GET /v1/streams/{stream}/deletions`.",
  ),
  deleted: oneOf(
    ["true", "false"],
    `\`true\`: only deleted assets, which are kept for ${TOMBSTONE_DAYS} days. \`false\`: only assets that exist in ` +
      "Okta. By default, both with `q`, and only assets that exist without it.",
  ),
};

const find = createRoute({
  method: "get",
  path: "/v1/inventory/{stream}/search",
  tags: ["Inventory"],
  summary: "Find users or devices",
  description:
    "Finds the assets that meet all given criteria. A criterion that only users can meet finds no devices, and " +
    "vice versa. A search for users by `q` also finds groups.",
  security: [{ key: [] }],
  request: {
    params: streamParams,
    query: strict({
      ...searchShape,
      after: wholeNumber(0, Number.MAX_SAFE_INTEGER, {
        default: 0,
        description: "`next` of the previous page.",
      }),
      limit: wholeNumber(1, 100, { default: 25, description: "The most assets on one page." }),
      connection: connectionParameter,
    }),
  },
  responses: {
    200: { description: "What was found.", content: { "application/json": { schema: searchResultsSchema } } },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** A copy without the keys whose value is undefined. */
const defined = <T extends object>(values: T): Given<T> =>
  // Object.fromEntries loses the types of the keys.
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;

const tristate = (word: "true" | "false" | "unknown"): boolean | "unknown" =>
  word === "unknown" ? word : word === "true";

/** Must be registered before the route of a single asset, whose `{id}` would match `search`, too. */
export const searchRoutes = (app: App, deps: AppDeps): void => {
  app.openapi(find, async (c) => {
    const { connection, after, limit, admin, managed, held, deleted, phishing_resistant, ...words } =
      c.req.valid("query");
    const query: SearchQuery = {
      ...defined(words),
      ...(admin !== undefined && { admin: true as const }),
      ...(held !== undefined && { held: true as const }),
      ...(managed !== undefined && { managed: tristate(managed) }),
      ...(phishing_resistant !== undefined && { phishingResistant: tristate(phishing_resistant) }),
      ...(deleted !== undefined && { deleted: deleted === "true" }),
      after,
      limit,
    };
    const { id } = selectConnection(deps.config(c.env), connection);
    return c.json(await deps.stream(c.env, id, c.req.valid("param").stream).search(query), 200);
  });
};
