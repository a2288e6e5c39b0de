import type { Context } from "hono";
import type * as z from "zod";
import { actorOf } from "../changes/authors.ts";
import type { ChangeOptions } from "../changes/common.ts";
import type { OrgState } from "../org/state.ts";
import { authoredSchema, nothingElseSchema } from "./schemas.ts";

/** Whether a request asks for changes without events. */
export const isSilent = (c: Context): boolean => c.req.query("silent") === "true";

/** The JSON of a request's body; an empty object without one. */
export const bodyOf = async (c: Context): Promise<unknown> => {
  const text = await c.req.text();
  return text === "" ? {} : JSON.parse(text);
};

/**
 * Reads a request that changes something: who makes the change and how, and the rest of the body.
 *
 * @throws RangeError if its actor is nobody of the org
 */
export const readChange = async <S extends z.ZodType>(
  state: OrgState,
  c: Context,
  schema: S,
): Promise<{ body: z.output<S>; options: ChangeOptions }> => {
  const { actor, ip, ...rest } = authoredSchema.parse(await bodyOf(c));
  const body = schema.parse(rest);
  const author = {
    ...(actor !== undefined && { actor: actorOf(state, actor) }),
    ...(ip !== undefined && { ip }),
  };
  return { body, options: { silent: isSilent(c), author } };
};

/** How a change is to be made whose request says nothing else in its body. */
export const changeOptions = async (state: OrgState, c: Context): Promise<ChangeOptions> =>
  (await readChange(state, c, nothingElseSchema)).options;
