/** POST /v1/test-connection as it goes on: one line as each thing is known, the document last. */
import * as z from "zod";
import { checkSchema, connectionTestSchema } from "./document.ts";

/**
 * A line of the answer in lines. First `checks`: the names of the document's checks, in its order. Then a `check`
 * for each of them, in the order in which they are known; `index` is its place in the document. Last the
 * `document`, which is what counts, or the `problem` that kept it from being made.
 */
export const testEventSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("checks"), names: z.array(z.string()) }),
  z.object({ type: z.literal("check"), index: z.number().int(), check: checkSchema }),
  z.object({ type: z.literal("document"), document: connectionTestSchema }),
  z.object({
    type: z.literal("problem"),
    /** As an answer with an error has it. */
    problem: z.looseObject({
      code: z.string(),
      title: z.string(),
      status: z.number().int(),
      detail: z.string(),
    }),
  }),
]);
export type TestEvent = z.infer<typeof testEventSchema>;
