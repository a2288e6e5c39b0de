/** Cursors: `next` of the API as text, which agents pass back as it is. */

import { ProblemError } from "../http/problems.ts";
import { fromOpaque } from "../lib/opaque.ts";

/** Refuses a wrong argument by its name. */
export const refuseArgument = (field: string, message: string): never => {
  throw new ProblemError("invalid_request", `${field}: ${message}.`, { errors: [{ field, message }] });
};

const cursorRule = "it must be `next_cursor` of the previous answer";

/** Where a search goes on: a number, or with an order the text of a place. @param cursor undefined: at the beginning */
export const searchPlace = (cursor: string | undefined, isSorted: boolean): number | string => {
  if (cursor === undefined) return 0;
  if (isSorted) return fromOpaque(cursor) === null ? refuseArgument("cursor", cursorRule) : cursor;
  const isNumber = /^\d{1,16}$/.test(cursor) && Number.isSafeInteger(Number(cursor));
  return isNumber ? Number(cursor) : refuseArgument("cursor", cursorRule);
};

export const cursorOf = (next: number | string | null): string | null =>
  next === null ? null : String(next);
