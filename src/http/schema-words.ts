/** Describes JSON Schemas of the OpenAPI document in words and rows, for the reference page. Pure. */

import { isPlainObject } from "../lib/json.ts";

export type SchemaLike = Readonly<Record<string, unknown>>;

const refName = (ref: string): string => ref.slice(ref.lastIndexOf("/") + 1);

const unionOf = ({ anyOf, oneOf, prefixItems }: SchemaLike): readonly unknown[] | undefined =>
  [anyOf, oneOf, prefixItems].find(Array.isArray);

const isList = ({ type }: SchemaLike): boolean =>
  type === "array" || (Array.isArray(type) && type.includes("array"));

/** What a schema describes, without its bounds and without null. */
const kindText = (schema: SchemaLike): string => {
  const { type, format, items, additionalProperties } = schema;
  const union = unionOf(schema);
  const of = union === undefined ? typeText(items) : [...new Set(union.map(typeText))].join(" or ");
  if (isList(schema)) return `list of ${of}`;
  if (union !== undefined) return of;
  if (isPlainObject(additionalProperties)) return `${typeText(additionalProperties)} by name`;
  if (format === "date-time") return "time (ISO 8601)";
  return Array.isArray(type) ? type.filter((name) => name !== "null").join(" or ") : String(type ?? "any");
};

/** A schema in a few words: `integer, 1–1000`, `users | devices`, `list of Run`, `time (ISO 8601) or null`. */
export const typeText = (schema: unknown): string => {
  if (!isPlainObject(schema)) return "any";
  const { $ref, type, allOf, minimum, maximum } = schema;
  if (typeof $ref === "string") return refName($ref);
  if (Array.isArray(schema["enum"])) return schema["enum"].map(String).join(" | ");
  if (schema["const"] !== undefined) return JSON.stringify(schema["const"]);
  if (Array.isArray(allOf)) return allOf.map(typeText).join(" and ");
  const range = typeof minimum === "number" && typeof maximum === "number" ? `, ${minimum}–${maximum}` : "";
  const orNull = Array.isArray(type) && type.includes("null") ? " or null" : "";
  return `${kindText(schema)}${range}${orNull}`;
};

export interface Field {
  /** The path to the field: `total`, `assets.total`, `sinks[].name`. */
  readonly path: string;
  readonly optional: boolean;
  readonly schema: unknown;
}

/** The fields of a schema's objects, including those of nested objects that have no name of their own. */
export const fieldsOf = (schema: unknown, path = ""): Field[] => {
  if (!isPlainObject(schema)) return [];
  const { items, properties, required } = schema;
  const union = unionOf(schema);
  const inner = isList(schema) ? `${path}[]` : path;
  if (union !== undefined) return union.flatMap((member) => fieldsOf(member, inner));
  if (isList(schema)) return fieldsOf(items, inner);
  if (!isPlainObject(properties)) return [];
  return Object.entries(properties).flatMap(([name, property]) => {
    const own = path === "" ? name : `${path}.${name}`;
    const optional = !(Array.isArray(required) && required.includes(name));
    return [{ path: own, optional, schema: property }, ...fieldsOf(property, own)];
  });
};
