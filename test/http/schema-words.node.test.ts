import { expect, test } from "vitest";
import { fieldsOf, typeText } from "../../src/http/schema-words.ts";

const object = (properties: object, required: readonly string[] = Object.keys(properties)) => ({
  type: "object",
  properties,
  required,
});

test.each<[schema: unknown, words: string]>([
  [{ type: "string" }, "string"],
  [{ type: ["string", "null"] }, "string or null"],
  [{ type: "integer", minimum: 1, maximum: 1000 }, "integer, 1–1000"],
  [{ type: "integer", minimum: 1 }, "integer"],
  [{ type: "string", enum: ["users", "devices"] }, "users | devices"],
  [{ const: 5 }, "5"],
  [{ type: ["string", "null"], format: "date-time" }, "time (ISO 8601) or null"],
  [{ $ref: "#/components/schemas/Run" }, "Run"],
  [{ anyOf: [{ $ref: "#/components/schemas/Run" }, { type: "null" }] }, "Run or null"],
  [{ oneOf: [object({}), object({ id: { type: "string" } })] }, "object"],
  [{ type: "array", items: { $ref: "#/components/schemas/Run" } }, "list of Run"],
  [{ type: ["array", "null"], items: { type: "string" } }, "list of string or null"],
  [{ type: "array", prefixItems: [object({})] }, "list of object"],
  [{ type: "object", additionalProperties: { type: "integer" } }, "integer by name"],
  [{}, "any"],
  [undefined, "any"],
])("%j is told as %s", (schema, words) => {
  expect(typeText(schema)).toBe(words);
});

test("fields inside fields are told by their path, those of a schema with a name of its own are not", () => {
  const sink = object({ name: { type: "string" }, next: { type: ["string", "null"] } }, ["name"]);
  const schema = object({
    assets: object({ total: { type: "integer" } }),
    sinks: { type: ["array", "null"], items: sink },
    pair: { type: "array", prefixItems: [object({ left: {} }), object({ right: {} })] },
    either: { anyOf: [object({ code: {} }), { type: "null" }] },
    run: { $ref: "#/components/schemas/Run" },
  });
  expect(fieldsOf(schema).map(({ path, optional }) => `${path}${optional ? "?" : ""}`)).toEqual([
    "assets",
    "assets.total",
    "sinks",
    "sinks[].name",
    "sinks[].next?",
    "pair",
    "pair[].left",
    "pair[].right",
    "either",
    "either.code",
    "run",
  ]);
});
