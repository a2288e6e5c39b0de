/** The API's description: OpenAPI 3.1, made of the schemas that validate. */
import type { App } from "./deps.ts";

const info = {
  openapi: "3.1.0",
  info: {
    title: "Okta Edge Connector",
    version: "0.1.0",
    description:
      'An Okta org\'s users and devices as OCSF events, and an answer to "who is this account?". Errors are ' +
      "RFC 9457 problem details with a stable `code`.",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  servers: [{ url: "/" }],
  tags: [
    { name: "Streams", description: "What each stream is doing and what it holds." },
    { name: "Runs", description: "Reading the org, fully or what changed." },
    { name: "Inventory", description: "The events." },
    { name: "Sinks", description: "Where events are delivered to: sending again, and dead letters." },
    { name: "Enrichment", description: "Who is this account?" },
    { name: "Service", description: "The Worker itself." },
  ],
};

/** Names the ways to be let in; routes refer to `key`. */
export const registerSecurity = (app: App): void => {
  app.openAPIRegistry.registerComponent("securitySchemes", "key", {
    type: "http",
    scheme: "bearer",
    description:
      "A key of the setting API_KEYS. One given there with `read:` before it may look up, read the inventory " +
      "and the status, and nothing else. Behind Cloudflare Access (ACCESS_TEAM, ACCESS_AUD) an identity that " +
      "Access let in needs no key.",
  });
};

export type ApiDocument = ReturnType<App["getOpenAPI31Document"]>;

const methods = ["get", "post", "put", "patch", "delete"] as const;

/** Every operation with its method and path, in the order in which they were registered. */
export const operationsOf = (document: ApiDocument) =>
  Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [{ method, path, operation }];
    }),
  );

/** `get` and `/v1/streams/{stream}` → `getV1StreamsStream`: generated clients name their methods by it. */
const operationId = (method: string, path: string): string =>
  [method, ...path.split(/[^a-zA-Z0-9]+/).filter((part) => part !== "")]
    .map((part, index) => (index === 0 ? part : part.charAt(0).toUpperCase() + part.slice(1)))
    .join("");

/** The generator forgets null among the values of a literal that may be null; the type beside them has it. */
const withNull = (_: string, value: unknown): unknown => {
  if (typeof value !== "object" || value === null || !("type" in value) || !("enum" in value)) return value;
  const { type, enum: values } = value;
  if (!Array.isArray(type) || !Array.isArray(values)) return value;
  return type.includes("null") && !values.includes(null) ? { ...value, enum: [...values, null] } : value;
};

/** The document of everything registered so far. */
export const apiDocument = (app: App): ApiDocument => {
  const document: ApiDocument = JSON.parse(JSON.stringify(app.getOpenAPI31Document(info)), withNull);
  const operations = operationsOf(document);
  for (const { method, path, operation } of operations) operation.operationId ??= operationId(method, path);
  const described = new Set(info.tags.map(({ name }) => name));
  const others = new Set(operations.flatMap(({ operation }) => operation.tags ?? []));
  return {
    ...document,
    tags: [...info.tags, ...[...others].filter((name) => !described.has(name)).map((name) => ({ name }))],
  };
};
