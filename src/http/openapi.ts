/** The OpenAPI 3.1 document, generated from the same schemas that validate requests. */
import { VERSION } from "../lib/version.ts";
import type { App } from "./deps.ts";

const info = {
  openapi: "3.1.0",
  info: {
    title: "Okta Edge Connector",
    version: VERSION,
    description:
      'The users and devices of an Okta org as OCSF events, and account look-ups that answer "who is this ' +
      'account?". Errors are RFC 9457 problem details with a stable `code`. AI agents ask the same at `POST /mcp`, by ' +
      "the Model Context Protocol, which describes its tools itself.",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
  servers: [{ url: "/" }],
  tags: [
    { name: "Streams", description: "What each stream is doing, and what its inventory holds." },
    {
      name: "Runs",
      description: "Runs read the org: a full run reads everything, a delta run only what changed.",
    },
    {
      name: "Event hooks",
      description: "Where Okta tells that something has happened, so that changes arrive within seconds.",
    },
    {
      name: "Inventory",
      description: "The users and devices that are known: as events, one by one, by search and in totals.",
    },
    {
      name: "Sinks",
      description: "The receivers that events are delivered to: sending events again, and dead letters.",
    },
    {
      name: "Connections",
      description:
        "The connections of the settings, and those that were taken out of them and are still kept.",
    },
    {
      name: "Enrichment",
      description: "Account look-ups, and the malice rules that turn their answers into verdicts.",
    },
    {
      name: "Service",
      description: "The Worker itself: health, metrics, the connection test and this description.",
    },
  ],
};

/** Registers the security schemes `key` and `hook`, to which the routes refer. */
export const registerSecurity = (app: App): void => {
  app.openAPIRegistry.registerComponent("securitySchemes", "key", {
    type: "http",
    scheme: "bearer",
    description:
      "One of the keys in the setting API_KEYS. A key with `read:` in front of it there may look accounts up, try " +
      "malice rules, and read the inventory, the status and the metrics, but change nothing. With Cloudflare " +
      "Access (ACCESS_TEAM, ACCESS_AUD), requests that Access has let in need no key.",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "hook", {
    type: "apiKey",
    in: "header",
    name: "Authorization",
    description:
      "The connection's hook secret, as it is: OKTA_HOOK_SECRET, or that of its entry in CONNECTIONS.",
  });
};

export type ApiDocument = ReturnType<App["getOpenAPI31Document"]>;

const methods = ["get", "post", "put", "patch", "delete"] as const;

/** Every operation of the document with its method and path, in the order of registration. */
export const operationsOf = (document: ApiDocument) =>
  Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [{ method, path, operation }];
    }),
  );

/** `get` and `/v1/streams/{stream}` → `getV1StreamsStream`. Generated clients name their methods after it. */
const operationId = (method: string, path: string): string =>
  [method, ...path.split(/[^a-zA-Z0-9]+/).filter((part) => part !== "")]
    .map((part, index) => (index === 0 ? part : part.charAt(0).toUpperCase() + part.slice(1)))
    .join("");

/** The generator leaves null out of the `enum` of a nullable literal, although it is in the `type`. This adds it. */
const withNull = (_: string, value: unknown): unknown => {
  if (typeof value !== "object" || value === null || !("type" in value) || !("enum" in value)) return value;
  const { type, enum: values } = value;
  if (!Array.isArray(type) || !Array.isArray(values)) return value;
  return type.includes("null") && !values.includes(null) ? { ...value, enum: [...values, null] } : value;
};

/** The document of all routes that have been registered so far. */
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
