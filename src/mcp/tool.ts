/** What a tool is, and how its answers are made. */
import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
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

export interface Answer<O> {
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

/** The same schema, which tells of arguments that do not fit it: the library refuses them before the tool is called. */
const telling = (schema: z.ZodType, unfit: () => void) => {
  const standard = schema["~standard"];
  const validate = async (value: unknown) => {
    const result = await standard.validate(value);
    if (result.issues !== undefined) unfit();
    return result;
  };
  return { "~standard": { ...standard, validate } };
};

/** Adds a tool to a server. @param refusalOf turns what was thrown into words @param done is told how each call ended */
export const register = (
  server: McpServer,
  { name, title, description, input, output, asksOkta, run }: Tool,
  context: ToolContext,
  {
    refusalOf,
    done,
  }: { refusalOf: (error: unknown) => Refusal; done: (name: string, outcome: Outcome) => void },
): void => {
  server.registerTool(
    name,
    {
      title,
      description,
      inputSchema: telling(input, () => done(name, "refused")),
      outputSchema: output,
      annotations: {
        title,
        readOnlyHint: true,
        idempotentHint: true,
        destructiveHint: false,
        openWorldHint: asksOkta === true,
      },
    },
    async (args: unknown) => {
      try {
        const { structured, text } = await run(args, context);
        // `visible` changes nothing but characters of texts.
        const shown = visible(structured) as Record<string, unknown>;
        done(name, "ok");
        return {
          // Older clients show a model only the text: the second one is the whole answer, as data.
          content: [
            { type: "text" as const, text },
            { type: "text" as const, text: JSON.stringify(shown) },
          ],
          structuredContent: shown,
        };
      } catch (error) {
        const { code, detail, outcome } = refusalOf(error);
        done(name, outcome);
        return {
          isError: true,
          content: [{ type: "text" as const, text: JSON.stringify(visible({ code, detail })) }],
        };
      }
    },
  );
};
