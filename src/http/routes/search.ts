/** Finding users and devices in the inventory. */
import { createRoute } from "@hono/zod-openapi";
import { accepts } from "hono/accepts";
import * as z from "zod";
import { foundSchema } from "../../contract/inventory-documents.ts";
import { TOMBSTONE_DAYS } from "../../contract/limits.ts";
import { checkIds } from "../../contract/posture.ts";
import type { SearchQuery, StreamApi } from "../../contract/stream-api.ts";
import type { StreamName } from "../../contract/streams.ts";
import { sortKeys } from "../../inventory/search-order.ts";
import { defined } from "../../lib/defined.ts";
import { fromOpaque, toOpaque } from "../../lib/opaque.ts";
import { maxSearchLength } from "../bounds.ts";
import { csvHeader, csvRow } from "../csv.ts";
import type { App, AppDeps } from "../deps.ts";
import { connectionParameter, once, oneOf, streamParams, strict, wholeNumber } from "../parameters.ts";
import { ProblemError, problemResponses } from "../problems.ts";
import { raw } from "../raw.ts";
import { selectConnection, settingValue } from "../select.ts";

const searchResultsSchema = foundSchema.meta({
  id: "Found",
  description:
    "What a search found. Without `sort`, in the order in which the assets were first stored, and an asset that `q` names " +
    "exactly, by its id, login or e-mail address, comes first. Null is unknown, or not set.",
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
        created: "2024-03-01T09:00:00.000Z",
        changed_at: "2025-01-15T08:31:10.000Z",
      },
    ],
    groups: [{ id: "00g1a2b3c4d5e6f7g8h9", name: "Janitors", description: null, users_count: 12 }],
    groups_total: 1,
    groups_next: null,
    total: 1,
    next: null,
  },
});

const bounded = (rule: string) => z.string(once).min(1, rule).max(maxSearchLength, rule);
const instantRule = "it must be a time in ISO 8601, such as 2026-01-31T00:00:00Z";
const instant = (about: string) =>
  z
    .string(once)
    .max(64, instantRule)
    .refine((text) => /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text)), instantRule)
    .transform((text) => new Date(text).toISOString())
    .optional()
    .openapi({ type: "string", format: "date-time", description: about, example: "2026-01-31T00:00:00Z" });

const afterRule = "it must be `next` of the previous page";
const groupsAfterRule = "it must be `groups_next` of the previous page of groups";
const dormantRule = "it must be a whole number of days from 1 to 3650";

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
  factor: bounded("it must be a factor as look-ups name it, such as push").optional().openapi({
    description:
      "Users who are not DEPROVISIONED and have this active factor, as look-ups name it, such as `push`.",
  }),
  admin: oneOf(
    ["true", "false", "unknown"],
    "Users by whether they have an active administrator role, their own or one of their groups'.",
  ),
  role: bounded("it must be the label of a role, such as Help Desk Administrator").optional().openapi({
    description:
      "Users who have an active role with this label, whatever its case: `Help Desk Administrator`.",
  }),
  department: bounded("it must be a department")
    .optional()
    .openapi({ description: "Users of this department, whatever its case." }),
  last_login_before: instant(
    "Users who have signed in, and before this the last time. Not those who never have.",
  ),
  dormant_days: z
    .string(once)
    .regex(/^\d{1,4}$/, dormantRule)
    .transform(Number)
    .refine((days) => days >= 1 && days <= 3650, dormantRule)
    .optional()
    .openapi({
      type: "integer",
      minimum: 1,
      maximum: 3650,
      example: 90,
      description: "ACTIVE users who have signed in, but not for so many days. Not those who never have.",
    }),
  created_after: instant("Assets that were created in Okta after this."),
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
  posture: oneOf(
    checkIds,
    "Assets of which this check is true; see `GET /v1/posture`. Who is excepted from it is left out.",
  ),
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

const csvName = "text/csv";

const find = createRoute({
  method: "get",
  path: "/v1/inventory/{stream}/search",
  tags: ["Inventory"],
  summary: "Find users or devices",
  description:
    "Finds the assets that meet all given criteria. A criterion that only users can meet finds no devices, and " +
    "vice versa. A search for users by `q` also finds groups. With `Accept: text/csv` it answers with all rows, whatever " +
    "`limit`: a header row with the keys of a result, quoted fields, `unknown` for what is unknown, and `'` before a field " +
    "that a spreadsheet would take for a formula.",
  security: [{ key: [] }],
  request: {
    params: streamParams,
    query: strict({
      ...searchShape,
      sort: oneOf(
        sortKeys,
        "The order. What has no value comes last. Names go by ASCII letters, whatever their case; `last_login` and `created` by " +
          "time; `changed` by when the inventory has last changed what it says. By default the order in which assets were first stored.",
      ),
      order: oneOf(["asc", "desc"], "Ascending, which is the default, or descending. Only with `sort`."),
      after: z.string(once).max(4096, afterRule).default("0").openapi({
        description:
          "`next` of the previous page: a number, or with `sort` text that is passed back as it is.",
      }),
      limit: wholeNumber(1, 100, {
        default: 25,
        description: "The most assets, and the most groups, on one page.",
      }),
      groups_after: z
        .string(once)
        .max(4096, groupsAfterRule)
        .optional()
        .openapi({
          example: toOpaque(["00g1a2b3c4d5e6f7g8h9"]),
          description: "`groups_next` of the previous page of groups.",
        }),
      connection: connectionParameter,
    }),
  },
  responses: {
    200: {
      description: "What was found.",
      content: {
        "application/json": { schema: searchResultsSchema },
        [csvName]: { schema: z.string().openapi({ description: "All rows.", example: csvHeader("users") }) },
      },
    },
    ...problemResponses(400, 401, 404, 429, 503),
  },
});

const tristate = (word: "true" | "false" | "unknown"): boolean | "unknown" =>
  word === "unknown" ? word : word === "true";

const refuse = (field: string, message: string): never => {
  throw new ProblemError("invalid_request", `query.${field}: ${message}.`, {
    errors: [{ field: `query.${field}`, message }],
  });
};

/** Where the page begins: a number, or with `sort` the text of a place. */
const placeIn = (after: string, isSorted: boolean): number | string => {
  const isNumber = /^\d{1,16}$/.test(after) && Number(after) <= Number.MAX_SAFE_INTEGER;
  if (isNumber && (!isSorted || Number(after) === 0)) return Number(after);
  if (!isSorted || fromOpaque(after) === null) return refuse("after", afterRule);
  return after;
};

type Asked = z.output<typeof find.request.query>;

const queryOf = (asked: Asked): SearchQuery => {
  const { connection: _, after, admin, managed, held, deleted, order, sort, ...others } = asked;
  const {
    phishing_resistant,
    last_login_before,
    dormant_days,
    created_after,
    groups_after,
    limit,
    ...words
  } = others;
  if (order !== undefined && sort === undefined) refuse("order", "it needs `sort`");
  if (groups_after !== undefined && fromOpaque(groups_after) === null)
    refuse("groups_after", groupsAfterRule);
  return {
    ...defined(words),
    ...defined({
      lastLoginBefore: last_login_before,
      dormantDays: dormant_days,
      createdAfter: created_after,
      groupsAfter: groups_after,
      sort,
    }),
    ...(order !== undefined && { descending: order === "desc" }),
    ...(admin !== undefined && { admin: tristate(admin) }),
    ...(held !== undefined && { held: true as const }),
    ...(managed !== undefined && { managed: tristate(managed) }),
    ...(phishing_resistant !== undefined && { phishingResistant: tristate(phishing_resistant) }),
    ...(deleted !== undefined && { deleted: deleted === "true" }),
    after: placeIn(after, sort !== undefined),
    limit,
  };
};

/** How many rows of a CSV are read at a time. */
const ROWS_AT_ONCE = 500;

/** All rows, read page by page while the client takes them. */
const csvOf = (
  api: Pick<StreamApi, "search">,
  stream: StreamName,
  query: SearchQuery,
): ReadableStream<Uint8Array> => {
  const encoder = new TextEncoder();
  let after: SearchQuery["after"] | null = query.after;
  let isBegun = false;
  return new ReadableStream({
    pull: async (controller) => {
      if (!isBegun) controller.enqueue(encoder.encode(csvHeader(stream)));
      isBegun = true;
      if (after === null) return controller.close();
      const { results, next } = await api.search({ ...query, after, limit: ROWS_AT_ONCE });
      after = next;
      controller.enqueue(encoder.encode(results.map(csvRow).join("")));
    },
  });
};

/** Must be registered before the route of a single asset, whose `{id}` would match `search`, too. */
export const searchRoutes = (app: App, deps: AppDeps): void => {
  app.openapi(find, async (c) => {
    const asked = c.req.valid("query");
    const query = queryOf(asked);
    const { stream } = c.req.valid("param");
    const config = deps.config(c.env);
    const { id } = selectConnection(config, asked.connection);
    if (asked.posture !== undefined) settingValue(config.postureExceptions);
    const api = deps.stream(c.env, id, stream);
    const type = accepts(c, {
      header: "Accept",
      supports: ["application/json", csvName],
      default: "application/json",
    });
    if (type !== csvName) return c.json(await api.search(query), 200);
    return raw(
      new Response(csvOf(api, stream, query), {
        headers: {
          "Content-Type": `${csvName}; charset=utf-8; header=present`,
          "Content-Disposition": `attachment; filename="okta-${stream}.csv"`,
        },
      }),
    );
  });
};
