import * as z from "zod";

/** An object of constants as a shape of literals. */
export const literals = <const T extends Readonly<Record<string, string | number>>>(
  constants: T,
): { [K in keyof T]: z.ZodLiteral<T[K]> } => {
  const shape: Record<string, z.ZodLiteral> = {};
  for (const [key, value] of Object.entries(constants)) shape[key] = z.literal(value);
  // One literal per key of T, which the loop cannot tell the compiler.
  return shape as { [K in keyof T]: z.ZodLiteral<T[K]> };
};

/** One of several numbers. Not `z.literal([0, 1])`, of which the API's description would show the first alone. */
export const oneOf = <const T extends readonly number[]>(
  ...values: T
): z.ZodUnion<z.ZodLiteral<T[number]>[]> => z.union(values.map((value) => z.literal<T[number]>(value)));
