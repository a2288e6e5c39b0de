/** Errors as RFC 9457 problem details. A route throws a `ProblemError`; nothing else makes an error answer. */

import type { Context } from "hono";
import * as z from "zod";
import type { SettingProblem } from "../config/types.ts";

/** Every `code` there is: its HTTP status, its title and what it means to a caller. Part of the contract. */
export const problemCatalogue = {
  invalid_request: [
    400,
    "Invalid request",
    "A parameter or a part of the body is wrong; `errors` says which.",
  ],
  malformed_json: [400, "Malformed JSON", "The body is not JSON."],
  unauthorized: [401, "No valid key", "Send `Authorization: Bearer KEY` with one of the keys in API_KEYS."],
  forbidden: [403, "Not with this key", "A `read:` key may look up, read the inventory and the status only."],
  cross_site: [403, "Cross-site request", "A page of another site may not act with your Access identity."],
  not_found: [404, "Not found", "There is no such route, or no such thing under it."],
  unknown_connection: [404, "Unknown connection", "The setting CONNECTIONS has no connection with this id."],
  unknown_stream: [404, "Unknown stream", "The streams are users and devices."],
  method_not_allowed: [405, "Method not allowed", "The `Allow` header names the methods of this route."],
  conflict: [
    409,
    "Not in this state",
    "What was asked for does not fit the present state; `detail` says why.",
  ],
  payload_too_large: [413, "Body too large", "A body may have at most 256 KB."],
  uri_too_long: [414, "URL too long", "A URL may have at most 8,192 characters."],
  unsupported_media_type: [415, "Unsupported media type", "Send `Content-Type: application/json`."],
  too_many_failures: [429, "Too many failed attempts", "Wait for `Retry-After` seconds and use a right key."],
  headers_too_large: [431, "Headers too large", "All headers together may have at most 32 KB."],
  internal_error: [500, "Internal error", "A bug. The log has a line with the request id in `instance`."],
  misconfigured: [503, "A setting is wrong", "`problems` names each wrong setting and what is right."],
  not_configured: [503, "Not set up yet", "No key is configured, so nobody can be let in; see `problems`."],
  unavailable: [503, "Temporarily unavailable", "A part that is needed does not answer now; try again soon."],
} as const satisfies Readonly<Record<string, readonly [status: number, title: string, meaning: string]>>;

export type ProblemCode = keyof typeof problemCatalogue;

/** Where in the request, what is wrong, and what a right value looks like. */
export interface FieldError {
  /** `query.limit`, `body.kind`. */
  readonly field: string;
  readonly message: string;
}

interface ProblemParts {
  readonly problems?: readonly SettingProblem[];
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by routes and middleware; becomes the answer. `detail` is shown to the caller. */
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

const message = z.string().meta({ description: "What is wrong, and what a right value looks like." });
const fieldErrorSchema = z.object({
  field: z.string().meta({ description: "Where in the request: `query.limit`, `body.kind`." }),
  message,
});
const settingProblemSchema = z.object({
  setting: z.string().meta({ description: "Its name, with a path inside it: `SINKS[1].url`." }),
  message,
});

export const settingProblemsSchema = z.array(settingProblemSchema);

const problemSchema = z
  .object({
    type: z.string().meta({ description: "Where the code is described." }),
    code: z.string().meta({ description: "Stable: made to be matched on." }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string().meta({ description: "The request's id, as in `X-Request-Id` and in the log." }),
    errors: z.array(fieldErrorSchema).optional().meta({ description: "Of `invalid_request`." }),
    problems: settingProblemsSchema
      .optional()
      .meta({ description: "Of `misconfigured` and `not_configured`." }),
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

/** What a log or a terminal shows of a wrong setting is the detail alone: it tells the first problem whole. */
const detailOf = ({ code, message, parts }: ProblemError): string => {
  const first = code === "misconfigured" ? parts.problems?.[0] : undefined;
  return first === undefined ? message : `${message} ${first.setting}: ${first.message}`;
};

/** The answer to a problem. */
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

/** For a route's `responses`: these statuses answer problem details. */
export const problemResponses = <S extends number>(...statuses: readonly S[]) => {
  const entry = (status: number) => {
    const codes = Object.entries(problemCatalogue).filter(([, [known]]) => known === status);
    return {
      description: codes.map(([code, [, title]]) => `${title} (\`${code}\`)`).join(", "),
      content: { "application/problem+json": { schema: problemSchema } },
    };
  };
  // Object.fromEntries forgets the keys' type, which the routes' answers are checked against.
  return Object.fromEntries(statuses.map((status) => [status, entry(status)])) as Record<
    S,
    ReturnType<typeof entry>
  >;
};
