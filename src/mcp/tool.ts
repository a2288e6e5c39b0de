/** What a tool is, and how its answers are made. */
import type { CallToolResult, JSONValue, Tool as ListedTool } from "@modelcontextprotocol/server";
import * as z from "zod";
import { type FieldError, ProblemError } from "../http/problems.ts";
import type { ToolContext } from "./context.ts";
import { visible } from "./visible.ts";

/** Rows of a page, if an agent does not say how many, and at most. */
const DEFAULT_LIMIT = 50;
const MOST_ROWS = 100;

/** Arguments that every tool takes. */
const common = {
  connection: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe("Which Okta org, by its id in the connector. Leave it out for the default one."),
  limit: z
    .int()
    .min(1)
    .max(MOST_ROWS)
    .default(DEFAULT_LIMIT)
    .describe(
      `How many rows at most, 1 to ${MOST_ROWS}. It does not matter where the answer is about one thing.`,
    ),
  cursor: z
    .string()
    .min(1)
    .max(4_096)
    .optional()
    .describe(
      "`next_cursor` of the previous answer, for the rows after it. All other arguments stay the same.",
    ),
};

/** Arguments: those of the tool and the common ones. Unknown ones are refused, for a misspelt one must not be ignored. */
export const argumentsOf = <S extends z.ZodRawShape>(shape: S) => z.strictObject({ ...shape, ...common });

/** Where the rows go on. */
export const nextCursor = z
  .string()
  .nullable()
  .describe("Pass it as `cursor` for the rows after these; null if these are the last ones.");

interface Answer<O> {
  readonly structured: O;
  /** A sentence or two in our own words: numbers, but no text that comes from Okta. */
  readonly text: string;
}

/** A tool. Everything in `description` is about cost, limits and when to use another one. */
export interface Tool<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: I;
  readonly output: O;
  /** Whether it may call Okta, which is outside of the connector. */
  readonly asksOkta?: true;
  run(input: z.output<I>, context: ToolContext): Promise<Answer<z.output<O>>>;
}

/** Keeps the types of a tool's arguments and answer together. */
export const tool = <I extends z.ZodType, O extends z.ZodType>(definition: Tool<I, O>): Tool<I, O> =>
  definition;

/** What a call came to, for the log and the counters. */
export type Outcome = "ok" | "refused" | "failed";

/** Why a tool refuses, in words for an agent: a code of the API's catalogue, and what to do. */
export interface Refusal {
  readonly code: string;
  readonly detail: string;
  readonly outcome: Exclude<Outcome, "ok">;
}

/**
 * Leaves out of a JSON Schema what only repeats: examples, and the patterns of formats. A client hands the whole list to its
 * model with each question.
 */
const leaner = (schema: JSONValue): JSONValue => {
  if (Array.isArray(schema)) return schema.map(leaner);
  if (typeof schema !== "object" || schema === null) return schema;
  const isRepeated = (key: string) =>
    ["$schema", "example", "examples"].includes(key) || (key === "pattern" && "format" in schema);
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]) =>
      isRepeated(key) ? [] : [[key, leaner(value)] as const],
    ),
  );
};

/** The JSON Schema of an object, as clients are told of it. */
const schemaOf = (schema: z.ZodType, io: "input" | "output"): ListedTool["inputSchema"] => {
  const json: JSONValue = JSON.parse(JSON.stringify(z.toJSONSchema(schema, { io })));
  // What is made of an object is one.
  return { ...(leaner(json) as Record<string, JSONValue>), type: "object" };
};

/** A tool as clients are told of it. */
export const listed = ({ name, title, description, input, output, asksOkta }: Tool): ListedTool => ({
  name,
  title,
  description,
  inputSchema: schemaOf(input, "input"),
  outputSchema: schemaOf(output, "output"),
  annotations: {
    title,
    readOnlyHint: true,
    idempotentHint: true,
    destructiveHint: false,
    openWorldHint: asksOkta === true,
  },
});

/** Refuses arguments that do not fit, each by its name. */
const parsed = <I extends z.ZodType>(input: I, args: unknown): z.output<I> => {
  const read = input.safeParse(args ?? {});
  if (read.success) return read.data;
  const errors = read.error.issues.flatMap((issue): FieldError[] =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ field: key.slice(0, 64), message: "there is no such argument" }))
      : [{ field: issue.path.map(String).join("."), message: issue.message }],
  );
  const detail = errors.map(({ field, message }) => `${field}: ${message}`).join("; ");
  throw new ProblemError("invalid_request", `${detail}.`, { errors });
};

/** Calls a tool. @param refusalOf turns what was thrown into words @param done is told how it ended */
export const callTool = async (
  { input, run }: Tool,
  args: unknown,
  context: ToolContext,
  { refusalOf, done }: { refusalOf: (error: unknown) => Refusal; done: (outcome: Outcome) => void },
): Promise<CallToolResult> => {
  try {
    const { structured, text } = await run(parsed(input, args), context);
    // `visible` changes nothing but characters of texts.
    const shown = visible(structured) as Record<string, unknown>;
    done("ok");
    return {
      // Older clients show a model only the text: the second one is the whole answer, as data.
      content: [
        { type: "text", text },
        { type: "text", text: JSON.stringify(shown) },
      ],
      structuredContent: shown,
    };
  } catch (error) {
    const { code, detail, outcome } = refusalOf(error);
    done(outcome);
    return { isError: true, content: [{ type: "text", text: JSON.stringify(visible({ code, detail })) }] };
  }
};
