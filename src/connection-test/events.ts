/** The answer of POST /v1/test-connection in lines: one as soon as each check is known, and the document last. */
import * as z from "zod";
import { checkSchema, connectionTestSchema } from "./document.ts";

/**
 * One line. First `checks`: the names of the document's checks, in its order. Then a `check` for each of them, in
 * the order in which they are known; `index` is its place in the document. Last the `document`, which is the answer
 * itself, or the `problem` that prevented it.
 */
export const testEventSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("checks"), names: z.array(z.string()) }),
  z.object({ type: z.literal("check"), index: z.number().int(), check: checkSchema }),
  z.object({ type: z.literal("document"), document: connectionTestSchema }),
  z.object({
    type: z.literal("problem"),
    /** As in an answer with an error. */
    problem: z.looseObject({
      code: z.string(),
      title: z.string(),
      status: z.number().int(),
      detail: z.string(),
    }),
  }),
]);
export type TestEvent = z.infer<typeof testEventSchema>;
