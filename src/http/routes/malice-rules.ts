/** Tries malice rules before they are put into the settings. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { undecidedSchema, unreadIn } from "../../enrichment/answer.ts";
import { enrich } from "../../enrichment/enrich.ts";
import { parseMaliceRules } from "../../enrichment/rule-reader.ts";
import { type MaliceRules, verdicts } from "../../enrichment/rules.ts";
import { type Evaluation, evaluateRules, unknownFields } from "../../enrichment/verdict.ts";
import { maxErrors } from "../bounds.ts";
import type { App, AppDeps } from "../deps.ts";
import { connectionQuery, strict } from "../parameters.ts";
import { checkPlacement } from "../placed.ts";
import { ProblemError, problemResponses } from "../problems.ts";
import { raw } from "../raw.ts";
import {
  enrichDepsOf,
  enrichmentFailures,
  enrichmentResponse,
  identifierOf,
  timingHeader,
} from "./enrichments.ts";

const evaluationDocumentSchema = z
  .object({
    verdict: z.enum(verdicts).nullable(),
    rule: z
      .object({
        index: z.number().int(),
        path: z.string().openapi({ example: "conditions[0]" }),
        why: z.string().openapi({ example: 'status eq "SUSPENDED": it is "SUSPENDED"' }),
      })
      .nullable()
      .openapi({ description: "The first rule that matched; null when none matched." }),
    source: z
      .enum(["rule", "default_verdict", "not_found_verdict", "unknown_verdict", "none"])
      .openapi({ description: "What the verdict comes from." }),
    verdict_undecided: z.array(undecidedSchema).optional().openapi({
      description: "The rules that unknown fields leave open, so that `verdict` is their `unknown_verdict`.",
    }),
    found: z.boolean(),
    extracted: z
      .record(z.string(), z.unknown())
      .openapi({ description: "The fields that the rules were applied to." }),
  })
  .openapi("Evaluation");

const evaluate = createRoute({
  method: "post",
  path: "/v1/malice-rules/evaluate",
  tags: ["Enrichment"],
  summary: "Try malice rules",
  description:
    "Applies rules to an account that is looked up (`account`), or to given fields (`extracted`), in which `null` for " +
    "groups, MFA and roles means that they are unknown. Both ways of writing rules are accepted, under `rules` or, as " +
    "pasted from the settings, with their own keys beside the account. Nothing is stored. A mistake in the rules is " +
    "reported with its position.",
  security: [{ key: [] }],
  request: {
    query: connectionQuery,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: strict({
            // Optional in the schema only. `parseMaliceRules` reports everything that is wrong, including their absence.
            rules: z
              .unknown()
              .optional()
              .openapi({
                description:
                  "As in the setting MALICE_RULES: an object, its JSON text, or only the list of rules. Required unless the " +
                  "keys of the setting stand beside the account.",
              }),
            conditions: z.unknown().optional(),
            malice_rules: z.unknown().optional(),
            default_verdict: z.unknown().optional(),
            not_found_verdict: z.unknown().optional(),
            unknown_verdict: z.unknown().optional(),
            account: z.string("it must be text").optional(),
            extracted: z.record(z.string(), z.unknown(), "it must be an object").optional(),
            found: z
              .boolean("it must be true or false")
              .optional()
              .openapi({ description: "Together with `extracted`: false tries `not_found_verdict`." }),
          }),
          example: {
            rules: {
              conditions: [{ field: "status", operator: "eq", value: "SUSPENDED", verdict: "Suspicious" }],
            },
            extracted: { status: "SUSPENDED" },
          },
        },
      },
    },
  },
  responses: {
    200: {
      description: "The verdict, and the rule that it comes from.",
      content: { "application/json": { schema: evaluationDocumentSchema } },
    },
    ...enrichmentFailures,
    ...problemResponses(400, 401, 404, 413, 415, 429),
  },
});

/** The keys of the setting MALICE_RULES. */
const documentKeys = [
  "malice_rules",
  "conditions",
  "rules",
  "default_verdict",
  "not_found_verdict",
  "unknown_verdict",
] as const;

/** The rules as they were sent: under `rules`, or with their own keys. */
const documentIn = (body: Readonly<Record<string, unknown>>): { document: unknown; within: string } => {
  const given = documentKeys.filter((key) => body[key] !== undefined);
  const isPasted = given.some((key) => key !== "rules") || Array.isArray(body["rules"]);
  return isPasted
    ? { document: Object.fromEntries(given.map((key) => [key, body[key]])), within: "body" }
    : { document: body["rules"], within: "body.rules" };
};

const rulesIn = (body: Readonly<Record<string, unknown>>): MaliceRules => {
  const { document, within } = documentIn(body);
  const parsed = parseMaliceRules(document);
  if (parsed.ok) return parsed.value;
  const errors = parsed.error.slice(0, maxErrors).map(({ path, message }) => ({
    field: path === "(root)" ? "body.rules" : `${within}.${path}`,
    message,
  }));
  const detail = errors.map(({ field, message }) => `${field}: ${message}.`).join(" ");
  throw new ProblemError("invalid_request", detail, { errors });
};

/** An evaluation as the contract shows it. */
const documentOf = ({ undecided, ...evaluation }: Evaluation) => ({
  ...evaluation,
  ...(undecided.length > 0 && { verdict_undecided: [...undecided] }),
});

export const maliceRulesRoutes = (app: App, deps: AppDeps): void => {
  app.openapi(evaluate, async (c) => {
    const body = c.req.valid("json");
    const { account, extracted, found = true } = body;
    const rules = rulesIn(body);
    if ((account === undefined) === (extracted === undefined)) {
      const message = "it must have either account or extracted";
      throw new ProblemError("invalid_request", message, { errors: [{ field: "body", message }] });
    }
    if (account === undefined) {
      const fields = extracted ?? {};
      const evaluation = evaluateRules(rules, fields, found, deps.now(), unknownFields(fields));
      return c.json({ ...documentOf(evaluation), found, extracted: fields }, 200);
    }
    const identifier = identifierOf(account, "body.account");
    await checkPlacement(deps, c.env);
    const enrichDeps = enrichDepsOf(c, deps, c.req.valid("query").connection);
    const enrichment = await enrich(enrichDeps, identifier, false);
    if (enrichment.status !== 200) return raw(enrichmentResponse(enrichment));
    const { answer, timing } = enrichment;
    const isFound = answer.found === true;
    const evaluation = evaluateRules(rules, answer.extracted, isFound, deps.now(), unreadIn(answer));
    return c.json({ ...documentOf(evaluation), found: isFound, extracted: answer.extracted }, 200, {
      "Server-Timing": timingHeader(timing),
    });
  });
};
