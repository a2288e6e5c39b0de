/** Building blocks of the routes' schemas, and the problem that invalid input becomes. */
// This import adds `.openapi()` to zod's schemas.
import "@hono/zod-openapi";
import type { Hook } from "@hono/zod-openapi";
import * as z from "zod";
import { defaultConnectionId } from "../config/connections.ts";
import { dialects, streamNames } from "../contract/streams.ts";
import { maxErrors } from "./bounds.ts";
import type { AppEnv } from "./deps.ts";
import { type FieldError, ProblemError } from "./problems.ts";

/** An object that refuses unknown keys, because a misspelt parameter must not be ignored silently. */
export const strict = <S extends z.ZodRawShape>(shape: S) =>
  z.strictObject(shape, {
    error: (issue) => {
      const known = Object.keys(shape).join(", ");
      if (known === "") return "it is not known here; there are no parameters";
      return issue.code === "unrecognized_keys"
        ? `it is not known here; the known names are ${known}`
        : `it must be an object with ${known}`;
    },
  });

export const once = "it must be given once";

/**
 * A whole number in a query string.
 * @param min the smallest number that is accepted
 * @param max the greatest
 */
export const wholeNumber = (min: number, max: number, about: { description: string; default: number }) => {
  const message = `it must be a whole number from ${min} to ${max}`;
  return z
    .string(once)
    .regex(/^\d{1,16}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message)
    .default(about.default)
    .openapi({
      type: "integer",
      minimum: min,
      maximum: max,
      default: about.default,
      description: about.description,
    });
};

/** One of some words in a query string, or none. */
export const oneOf = <const T extends readonly [string, ...string[]]>(values: T, about: string) => {
  const all = [values.slice(0, -1).join(", "), values.at(-1)].filter((part) => part !== "").join(" or ");
  return z.enum(values, `it must be ${all}`).optional().openapi({ description: about });
};

export const connectionParameter = z.string(once).default(defaultConnectionId).openapi({
  description: "The id of the connection: `default`, or an id from the setting CONNECTIONS.",
  example: defaultConnectionId,
});

export const connectionQuery = strict({ connection: connectionParameter });

export const streamParameter = z
  .enum(streamNames, `it must be ${streamNames.join(" or ")}`)
  .openapi({ description: "The stream: users or devices." });

export const streamParams = z.object({ stream: streamParameter });

export const dialectParameter = z
  .enum(dialects, "it must be sekoia, sekoia_2026 or ocsf")
  .default("sekoia")
  .openapi({
    description:
      "The form of the events. `sekoia`: as Sekoia.io's Okta asset connectors send them. `sekoia_2026`: the same for " +
      "users, and for devices Sekoia.io's table of April 2026. `ocsf`: valid OCSF 1.6.0.",
  });

const places: Readonly<Record<string, string>> = { json: "body", param: "path" };

const fieldErrors = (place: string, error: z.ZodError): FieldError[] =>
  error.issues.flatMap((issue) => {
    const path = [place, ...issue.path.map(String)].join(".");
    return issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ field: `${path}.${key.slice(0, 64)}`, message: issue.message }))
      : [{ field: path, message: issue.message }];
  });

/** Throws the problem of invalid input: 404 for an unknown stream, else 400 with each field that is wrong. */
export const refuseInvalid: Hook<unknown, AppEnv, string, void> = (result) => {
  if (result.success) return;
  if (result.target === "param" && result.error.issues.some((issue) => issue.path[0] === "stream")) {
    throw new ProblemError(
      "unknown_stream",
      `There is no such stream. The streams are ${streamNames.join(", ")}.`,
    );
  }
  const errors = fieldErrors(places[result.target] ?? result.target, result.error).slice(0, maxErrors);
  const detail = errors.map(({ field, message }) => `${field}: ${message}.`).join(" ");
  throw new ProblemError("invalid_request", detail, { errors });
};
