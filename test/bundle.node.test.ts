/** What the bundle takes instead of zod is zod, without its messages in other languages. */

import { expect, test } from "vitest";
import * as zod from "zod";
import * as lean from "../bundle/zod/index.js";

const namesOf = (module: object): string[] =>
  Object.keys(module)
    .filter((name) => name !== "locales")
    .sort();

test("everything but the languages is there, and is the same", () => {
  expect(namesOf(lean)).toEqual(namesOf(zod));
  expect(namesOf(lean.core)).toEqual(namesOf(zod.core));
  expect(lean.ZodObject).toBe(zod.ZodObject);
  expect(lean.core.$ZodObject).toBe(zod.core.$ZodObject);
});

test("errors are told in English", () => {
  const told = (z: Pick<typeof zod, "object" | "string">) =>
    z.object({ a: z.string() }).safeParse({ a: 1 }).error?.message;
  expect(told(lean as unknown as typeof zod)).toBe(told(zod));
});
