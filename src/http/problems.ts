/** Errors as RFC 9457 problem details. A route throws a `ProblemError`, and nothing else makes an error response. */

import type { Context } from "hono";
import * as z from "zod";
import type { SettingProblem } from "../config/types.ts";
import { streamNames } from "../contract/streams.ts";
import { grouped, maxBodyBytes, maxHeadersLength, maxUrlLength } from "./bounds.ts";

/** Every `code`, with its HTTP status, its title and what it means to a caller. Part of the public contract. */
export const problemCatalogue = {
  invalid_request: [
    400,
    "Invalid request",
    "A parameter or a part of the body is wrong. `errors` says which.",
  ],
  malformed_json: [400, "Malformed JSON", "The body is not JSON."],
  unauthorized: [
    401,
    "No valid key",
    "Send `Authorization: Bearer KEY` with one of the keys in the setting API_KEYS.",
  ],
  forbidden: [
    403,
    "Not with this key",
    "A `read:` key may read and look up, but not start, change or test anything.",
  ],
  cross_site: [
    403,
    "Cross-site request",
    "A page of another site sent the request. It may not act with your identity.",
  ],
  foreign_host: [
    403,
    "Another host or site",
    "The request names a host that is not this Worker's, or was sent by a page of another site.",
  ],
  not_found: [404, "Not found", "There is no such route, or what the path names does not exist."],
  unknown_connection: [
    404,
    "Unknown connection",
    "No connection has this id. `detail` lists the connections.",
  ],
  unknown_stream: [404, "Unknown stream", `The streams are ${streamNames.join(" and ")}.`],
  method_not_allowed: [405, "Method not allowed", "The `Allow` header names the methods of this route."],
  conflict: [
    409,
    "Not in this state",
    "The request is valid, but not in the present state. `detail` says why.",
  ],
  sequence_ahead: [
    409,
    "Ahead of the inventory",
    "No number of this inventory is as high as `after`: it was begun anew, or the number belongs to another one. Start " +
      "over with `after=0`.",
  ],
  payload_too_large: [413, "Body too large", `A body may have at most ${maxBodyBytes / 1024} KiB.`],
  uri_too_long: [414, "URL too long", `A URL may have at most ${grouped(maxUrlLength)} characters.`],
  unsupported_media_type: [415, "Unsupported media type", "Send `Content-Type: application/json`."],
  too_many_failures: [
    429,
    "Too many failed attempts",
    "Wait for `Retry-After` seconds, then use a valid key.",
  ],
  headers_too_large: [
    431,
    "Headers too large",
    `All headers together may have at most ${maxHeadersLength / 1024} KiB.`,
  ],
  internal_error: [
    500,
    "Internal error",
    "A bug in the connector. The log has a line with the request id in `instance`.",
  ],
  misconfigured: [
    503,
    "A setting is wrong",
    "`problems` names each wrong setting, and says what a valid value looks like.",
  ],
  not_configured: [
    503,
    "Not set up yet",
    "No key is configured, so nobody can be let in. `problems` says how to add one.",
  ],
  quota_exhausted: [
    503,
    "Quota used up",
    "A daily quota of Cloudflare's free plan is used up. It begins anew at 00:00 UTC: wait for `Retry-After` seconds.",
  ],
  newer_data: [
    503,
    "Data of a later version",
    "The stored inventory is of a later version of the connector. Deploy that version or a later one.",
  ],
  unavailable: [
    503,
    "Temporarily unavailable",
    "A part that the request needs does not answer at the moment. Try again soon.",
  ],
} as const satisfies Readonly<Record<string, readonly [status: number, title: string, meaning: string]>>;

export type ProblemCode = keyof typeof problemCatalogue;

/** What is wrong with one field of a request. */
export interface FieldError {
  /** Where it is in the request: `query.limit`, `body.kind`. */
  readonly field: string;
  /** What is wrong, and what a valid value looks like; a clause without a capital or a full stop. */
  readonly message: string;
}

interface ProblemParts {
  readonly problems?: readonly SettingProblem[];
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by routes and middleware, and turned into the response. `detail` is shown to the caller. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly code: ProblemCode;
  readonly parts: ProblemParts;

  constructor(code: ProblemCode, detail: string, parts: ProblemParts = {}) {
    super(detail);
    this.code = code;
    this.parts = parts;
  }
}

const message = z.string().meta({ description: "What is wrong, and what a valid value looks like." });
const fieldErrorSchema = z.object({
  field: z.string().meta({ description: "Where it is in the request: `query.limit`, `body.kind`." }),
  message,
});
const settingProblemSchema = z.object({
  setting: z
    .string()
    .meta({ description: "The name of the setting, with the path to the wrong part: `SINKS[1].url`." }),
  message,
});

export const settingProblemsSchema = z.array(settingProblemSchema);

const problemSchema = z
  .object({
    type: z.string().meta({ description: "The address of the code's description." }),
    code: z.string().meta({ description: "A stable code that programs can match on." }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z
      .string()
      .meta({ description: "The request id, which is also in `X-Request-Id` and in the log." }),
    errors: z
      .array(fieldErrorSchema)
      .optional()
      .meta({ description: "The fields that are wrong, for the code `invalid_request`." }),
    problems: settingProblemsSchema.optional().meta({
      description: "The settings that are wrong, for the codes `misconfigured` and `not_configured`.",
    }),
  })
  .meta({
    id: "Problem",
    description: "RFC 9457 problem details.",
    example: {
      type: "/docs#problem-invalid_request",
      code: "invalid_request",
      title: "Invalid request",
      status: 400,
      detail: "query.limit: it must be a whole number from 1 to 1000.",
      instance: "9a1b2c3d4e5f6789-FRA",
      errors: [{ field: "query.limit", message: "it must be a whole number from 1 to 1000" }],
    },
  });

/** Logs and terminals often show the detail alone, so for a wrong setting it includes the first problem. */
const detailOf = ({ code, message, parts }: ProblemError): string => {
  const first = code === "misconfigured" ? parts.problems?.[0] : undefined;
  return first === undefined ? message : `${message} ${first.setting}: ${first.message}`;
};

/** The response that reports a problem. */
export const problemResponse = (c: Context, problem: ProblemError): Response => {
  const { code, parts } = problem;
  const [status, title] = problemCatalogue[code];
  const body: z.infer<typeof problemSchema> = {
    type: `/docs#problem-${code}`,
    code,
    title,
    status,
    detail: detailOf(problem),
    instance: String(c.get("requestId")),
    ...(parts.errors && { errors: [...parts.errors] }),
    ...(parts.problems && { problems: [...parts.problems] }),
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: { "Content-Type": "application/problem+json", ...parts.headers },
  });
};

/** The entries of a route's `responses` for these statuses, whose bodies are problem details. */
export const problemResponses = <S extends number>(...statuses: readonly S[]) => {
  const entry = (status: number) => {
    const codes = Object.entries(problemCatalogue).filter(([, [known]]) => known === status);
    return {
      description: codes.map(([code, [, title]]) => `${title} (\`${code}\`)`).join(", "),
      content: { "application/problem+json": { schema: problemSchema } },
    };
  };
  // Object.fromEntries loses the type of the keys, against which the routes' responses are checked.
  return Object.fromEntries(statuses.map((status) => [status, entry(status)])) as Record<
    S,
    ReturnType<typeof entry>
  >;
};
