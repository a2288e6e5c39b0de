/** "Who is this account?": account look-ups, one at a time and in batches. */
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import { objectOf } from "../../config/residency.ts";
import type { Change } from "../../contract/changes.ts";
import { lookupCountersName, lookupShardName } from "../../contract/objects.ts";
import type { StreamApi } from "../../contract/stream-api.ts";
import { type OktaAnswer, oktaAnswerSchema } from "../../enrichment/answer.ts";
import { AccountCache, kvFor } from "../../enrichment/cache.ts";
import { countLookups } from "../../enrichment/counters.ts";
import { type EnrichDeps, type Enrichment, enrich, enrichAll, type Timing } from "../../enrichment/enrich.ts";
import { enrichAt } from "../../enrichment/enrich-past.ts";
import { type Identifier, parseIdentifier } from "../../enrichment/identifier.ts";
import { noMaliceRules } from "../../enrichment/rules.ts";
import type { App, AppDeps, AppEnv, MetricsSource } from "../deps.ts";
import { connectionParameter, connectionQuery, strict } from "../parameters.ts";
import { ProblemError, problemResponses } from "../problems.ts";
import { raw } from "../raw.ts";
import { selectConnection, settingValue } from "../select.ts";

const security = [{ key: [] }];
const tags = ["Enrichment"];

const maxAccounts = 100;
const RECENT_CHANGES = 10;

// `.meta` instead of `.openapi`, which a schema lacks when it was made before @hono/zod-openapi was loaded.
const answer = oktaAnswerSchema.meta({
  id: "OktaAnswer",
  example: {
    success: true,
    found: true,
    extracted: {
      status: "ACTIVE",
      created: "2020-06-04T10:00:00.000Z",
      last_login: "2025-01-15T08:30:00.000Z",
      groups: ["AWS Admins", "Engineering", "VPN Users"],
      mfa_enrolled: true,
      mfa_factors: ["push", "totp"],
      is_admin: false,
      department: "Engineering",
      title: "Senior Developer",
      user_id: "00u1a2b3c4d5e6f7g8h9",
      login: "jane@example.com",
      email: "jane@example.com",
      display_name: "Jane Doe",
      admin_roles: [],
      password_changed: "2024-11-02T09:12:44.000Z",
      manager: "sam@example.com",
    },
    verdict: null,
    incomplete: [],
    cached: false,
    stale: false,
    enriched_at: "2025-01-15T10:30:06Z",
  },
});

export const enrichmentDocumentSchema = z.object({ okta: answer }).openapi("Enrichment");

const serverTiming = z.object({
  "Server-Timing": z.string().openapi({
    description:
      "Milliseconds spent in the cache, at Okta and in the malice rules; for a batch, the longest of each.",
    example: "cache;dur=2, okta;dur=181, rules;dur=0",
  }),
});

export const enrichmentFailures = {
  502: {
    description: "Okta refused the credential or failed, and no older answer exists: `success` is false.",
    content: { "application/json": { schema: enrichmentDocumentSchema } },
  },
  503: {
    description:
      "The rate limit or the time for the look-up is used up, and no older answer exists: `success` is false, and " +
      "`Retry-After` says when to ask again. Otherwise the body is problem details, for instance with the code `misconfigured`.",
    headers: z.object({ "Retry-After": z.string().optional().openapi({ example: "12" }) }),
    content: {
      "application/json": { schema: enrichmentDocumentSchema },
      ...problemResponses(503)[503].content,
    },
  },
} as const;

const one = createRoute({
  method: "get",
  path: "/v1/enrichments/accounts/{account}",
  tags,
  summary: "Who is this account?",
  description:
    "Looks an account up by its Okta user id, login, e-mail address or username. `mailto:` and `DOMAIN\\` in " +
    "front are removed, and the case of names does not matter. An account that does not exist is a normal " +
    "answer: 200 with `found` false.",
  security,
  request: {
    params: z.object({ account: z.string().openapi({ example: "jane@example.com" }) }),
    query: strict({
      refresh: z
        .enum(["true", "false"], "it must be true or false")
        .default("false")
        .openapi({ description: "`true` bypasses the cache and asks Okta." }),
      include: z
        .literal("history", "it can only be history")
        .optional()
        .openapi({ description: "`history` adds `recent_changes`, the last 10 changes of the account." }),
      at: z.iso
        .datetime({ offset: true, error: "it must be an ISO 8601 time, for example 2026-11-25T08:00:00Z" })
        .optional()
        .openapi({
          description:
            "Answers what was so at this moment, from the inventory and its history, without a call to Okta. What the " +
            "history cannot tell is unknown. The account is found by its id, or by the names that it has now.",
          example: "2026-11-25T08:00:00Z",
        }),
      connection: connectionParameter,
    }),
  },
  responses: {
    200: {
      description: "What is known about the account.",
      headers: serverTiming,
      content: { "application/json": { schema: enrichmentDocumentSchema } },
    },
    ...enrichmentFailures,
    ...problemResponses(400, 401, 404, 429),
  },
});

const many = createRoute({
  method: "post",
  path: "/v1/enrichments",
  tags,
  summary: "Who are these accounts?",
  description: `Makes up to ${maxAccounts} look-ups. One that fails has \`success\` false and its own \`error\`, and does not affect the others.`,
  security,
  request: {
    query: connectionQuery,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: strict({
            accounts: z
              .array(z.string("it must be text"), `it must be a list of 1 to ${maxAccounts} accounts`)
              .min(1, `it must hold 1 to ${maxAccounts} accounts`)
              .max(maxAccounts, `it must hold 1 to ${maxAccounts} accounts`),
          }),
          example: { accounts: ["jane@example.com", "CORP\\jsmith"] },
        },
      },
    },
  },
  responses: {
    200: {
      description: "What is known about the accounts, in the order of the request.",
      headers: serverTiming,
      content: {
        "application/json": {
          schema: z
            .object({ results: z.array(z.object({ account: z.string(), okta: answer })) })
            .openapi("Enrichments"),
        },
      },
    },
    ...problemResponses(400, 401, 404, 413, 415, 429, 503),
  },
});

/** What a look-up on this connection needs. Throws `unknown_connection`, or `misconfigured` when a setting is wrong. */
export const enrichDepsOf = (c: Context<AppEnv>, deps: AppDeps, connectionId: string): EnrichDeps => {
  const { env } = c;
  const config = deps.config(env);
  const connection = selectConnection(config, connectionId);
  const enrichment = settingValue(config.enrichment);
  const background = (work: Promise<unknown>): void => c.executionCtx.waitUntil(work);
  const counters = () => objectOf(env, env.ACCOUNT_LOOKUP, lookupCountersName(connection.id));
  return {
    cache: new AccountCache(kvFor(env.ENRICHMENT_CACHE, enrichment), connection),
    lookUp: (identifier, demand) =>
      objectOf(env, env.ACCOUNT_LOOKUP, lookupShardName(connection.id, identifier.key)).lookUp({
        connection: connection.id,
        identifier,
        demand,
      }),
    rules: settingValue(config.maliceRules) ?? noMaliceRules,
    mfaIgnored: connection.mfaIgnoredFactors,
    attributes: connection.profileAttributes,
    ttlMs: enrichment.ttlSeconds * 1000,
    now: deps.now,
    background,
    count: (counts) => countLookups(connection.id, counts, counters, background),
  };
};

/** Reads an account's identifier. Throws `invalid_request` that names `field` when it cannot be one. */
export const identifierOf = (account: string, field: string): Identifier => {
  const parsed = parseIdentifier(account);
  if (parsed.ok) return parsed.value;
  const { message } = parsed.error;
  throw new ProblemError("invalid_request", message, { errors: [{ field, message }] });
};

/** The value of the `Server-Timing` header. */
export const timingHeader = ({ cache, okta, rules }: Timing): string =>
  `cache;dur=${cache}, okta;dur=${okta}, rules;dur=${rules}`;

/** The response to a single look-up: the answer with its status and headers. */
export const enrichmentResponse = ({ answer: okta, status, timing, retryAfter }: Enrichment): Response =>
  Response.json(
    { okta },
    {
      status,
      headers: {
        "Server-Timing": timingHeader(timing),
        ...(retryAfter !== null && { "Retry-After": String(retryAfter) }),
      },
    },
  );

const slowest = (all: readonly Timing[]): Timing => ({
  cache: Math.max(...all.map(({ cache }) => cache)),
  okta: Math.max(...all.map(({ okta }) => okta)),
  rules: Math.max(...all.map(({ rules }) => rules)),
});

/** The moment that `at` names, ms since the epoch. Throws `invalid_request` if it cannot be answered for. */
const momentOf = (at: string, refresh: boolean, now: number): number => {
  const moment = Date.parse(at);
  const message = refresh
    ? "it cannot be combined with refresh=true: nothing is asked of Okta about the past"
    : moment > now
      ? "it must not be later than now"
      : null;
  if (message !== null)
    throw new ProblemError("invalid_request", message, { errors: [{ field: "query.at", message }] });
  return moment;
};

/** The last changes of the account that was found; null if the inventory does not know it. */
const recentChanges = async (
  users: Pick<StreamApi, "history">,
  { extracted }: OktaAnswer,
): Promise<Change[] | null> => {
  if (!("user_id" in extracted)) return null;
  const history = await users.history(extracted.user_id, { limit: RECENT_CHANGES });
  return history?.changes ?? null;
};

export const enrichmentRoutes = (app: App, deps: AppDeps): void => {
  app.openapi(one, async (c) => {
    const { connection, refresh, include, at } = c.req.valid("query");
    const enrichDeps = enrichDepsOf(c, deps, connection);
    const identifier = identifierOf(c.req.valid("param").account, "path.account");
    const users = deps.stream(c.env, selectConnection(deps.config(c.env), connection).id, "users");
    const withHistory = async (okta: OktaAnswer): Promise<OktaAnswer> =>
      include === undefined ? okta : { ...okta, recent_changes: await recentChanges(users, okta) };
    if (at !== undefined) {
      const moment = momentOf(at, refresh === "true", deps.now());
      const past = (name: string, ms: number) => users.pastAccount(name, ms);
      return c.json(
        { okta: await withHistory(await enrichAt({ ...enrichDeps, past }, identifier, moment)) },
        200,
      );
    }
    const enrichment = await enrich(enrichDeps, identifier, refresh === "true");
    return raw(enrichmentResponse({ ...enrichment, answer: await withHistory(enrichment.answer) }));
  });

  app.openapi(many, async (c) => {
    const { accounts } = c.req.valid("json");
    const enrichDeps = enrichDepsOf(c, deps, c.req.valid("query").connection);
    const enrichments = await enrichAll(enrichDeps, accounts);
    const results = enrichments.map((enrichment, index) => ({
      account: accounts[index] ?? "",
      okta: enrichment.answer,
    }));
    const timing = slowest(enrichments.map((enrichment) => enrichment.timing));
    return c.json({ results }, 200, { "Server-Timing": timingHeader(timing) });
  });

  // The route above does not match an empty account or one with an unencoded slash.
  app.get("/v1/enrichments/accounts/*", (c) => {
    const field = "path.account";
    identifierOf(c.req.path.slice("/v1/enrichments/accounts/".length), field);
    const message =
      "The account holds a slash, which has to be written %2F in a URL. Otherwise, send an e-mail address " +
      "(jane@example.com), a username (jane) or an Okta user id.";
    throw new ProblemError("invalid_request", message, { errors: [{ field, message }] });
  });
};

/** The counters of look-ups, for /metrics. */
export const enrichmentMetrics: MetricsSource = async (env, connections) => {
  const all = await Promise.all(
    connections.map(async (connection) => ({
      connection,
      counts: await objectOf(env, env.ACCOUNT_LOOKUP, lookupCountersName(connection)).counts(),
    })),
  );
  const samples = all.flatMap(({ connection, counts }) =>
    (["hits", "misses", "stale", "errors"] as const).map((result) => ({
      labels: { connection, result },
      value: counts[result],
    })),
  );
  const counter = (name: string, help: string, key: "not_found" | "incomplete" | "forget_failures") => ({
    name: `okta_edge_${name}`,
    help,
    type: "counter" as const,
    samples: all.map(({ connection, counts }) => ({ labels: { connection }, value: counts[key] })),
  });
  return [
    {
      name: "okta_edge_enrichments_total",
      help: "Look-ups by result: hits (answered from the cache), misses (by Okta), stale (by an older answer), errors (not answered).",
      type: "counter",
      samples,
    },
    counter("enrichments_not_found_total", "Look-ups that found no account or several.", "not_found"),
    counter(
      "enrichments_incomplete_total",
      "Answers in which at least one fact could not be read.",
      "incomplete",
    ),
    counter(
      "cache_forget_failures_total",
      "Failed attempts to forget the cached look-ups of an account that has changed. They are repeated.",
      "forget_failures",
    ),
  ];
};
