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
