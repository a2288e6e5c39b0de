import * as z from "zod";

/** Turns an object of constants into a zod shape of literals. */
export const literals = <const T extends Readonly<Record<string, string | number>>>(
  constants: T,
): { [K in keyof T]: z.ZodLiteral<T[K]> } => {
  const shape: Record<string, z.ZodLiteral> = {};
  for (const [key, value] of Object.entries(constants)) shape[key] = z.literal(value);
  // One literal per key of T, which the loop cannot tell the compiler.
  return shape as { [K in keyof T]: z.ZodLiteral<T[K]> };
};

/** A schema for one of several numbers. With `z.literal([0, 1])`, the API's description would show only the first. */
export const oneOf = <const T extends readonly number[]>(
  ...values: T
): z.ZodUnion<z.ZodLiteral<T[number]>[]> => z.union(values.map((value) => z.literal<T[number]>(value)));
