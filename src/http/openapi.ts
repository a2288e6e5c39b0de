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

/** The document of everything registered so far. */
export const apiDocument = (app: App): ApiDocument => app.getOpenAPI31Document(info);
