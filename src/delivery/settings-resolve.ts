/** From a sink's settings as people write them to settings with secrets, URLs and bindings resolved. */

import { checkOutboundUrl, urlProblemText } from "../config/outbound-url.ts";
import type { StreamName } from "../contract/streams.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { SinkShape } from "./settings-shapes.ts";
import type { SinkContext, SinkProblem, SinkSettings } from "./settings-types.ts";

const bindingRemedies = {
  r2: "enable R2 and uncomment [[r2_buckets]] in wrangler.toml with this binding name",
  queue: "enable Queues and uncomment [[queues.producers]] in wrangler.toml with this binding name",
} as const;

/** Collects what is wrong with one sink while its references are resolved. */
class Resolver {
  readonly problems: SinkProblem[] = [];
  readonly #path: string;
  readonly #context: SinkContext;

  constructor(path: string, context: SinkContext) {
    this.#path = path;
    this.#context = context;
  }

  /** @param use what it is for: a header takes printable ASCII only. */
  secret(key: string, name: string, use: "header" | "key" = "header"): string {
    const value = this.#context.secret(name)?.trim();
    const fits = value !== undefined && value !== "" && (use === "key" || !/[^\x20-\x7e]/.test(value));
    if (fits) return value;
    // Somebody may have put the secret itself where its name belongs, so only what looks like a name is repeated.
    const shown = /^[A-Z][A-Z0-9_]{0,63}$/.test(name) ? `the secret ${name}` : "the secret that it names";
    this.#add(
      key,
      value === undefined || value === ""
        ? `${shown} is not set; set it with "npx wrangler secret put NAME" (or in .dev.vars) and give its name here, not its value`
        : `${shown} holds characters that no header can carry; set it again without line breaks`,
    );
    return "";
  }

  url(key: string, text: string, query: "query allowed" | "no query"): URL {
    const checked = checkOutboundUrl(text, { allowLoopback: this.#context.allowLoopback });
    if (!checked.ok) {
      this.#add(key, urlProblemText(checked.error, "https://siem.example.com/path"));
      return new URL("https://refused.invalid");
    }
    if (query === "no query" && (checked.value.search !== "" || checked.value.hash !== "")) {
      this.#add(
        key,
        "it must not have a query or fragment; a right value looks like https://siem.example.com:8088",
      );
    }
    return checked.value;
  }

  binding(type: "r2" | "queue", name: string): string {
    if (!this.#context.binding(name)) {
      this.#add("binding", `the Worker has no binding ${name}; ${bindingRemedies[type]}`);
    }
    return name;
  }

  streamsWithConnector(
    streams: readonly StreamName[],
    connectors: Readonly<Partial<Record<StreamName, string | undefined>>>,
  ): readonly StreamName[] {
    const taken = streams.filter((stream) => connectors[stream] !== undefined);
    if (taken.length === 0) {
      this.#add(
        "connector_uuids",
        `it has no connector UUID for ${streams.join(" or ")}, so nothing would be sent`,
      );
    }
    return taken;
  }

  #add(key: string, message: string): void {
    this.problems.push({ path: `${this.#path}.${key}`, message });
  }
}

/** Origin and path without a trailing slash and without `endpoint`, which people often paste along. */
const baseOf = (url: URL, endpoint: RegExp): string =>
  `${url.origin}${url.pathname.replace(/\/+$/, "").replace(endpoint, "")}`;

/** Elasticsearch's header wants base64 of `id:key`; Kibana shows both forms. */
const encodedApiKey = (key: string): string => (key.includes(":") ? btoa(key) : key);

const settingsOf = (shape: SinkShape, resolver: Resolver): SinkSettings => {
  const common = { name: shape.name, streams: shape.streams, dialect: shape.dialect };
  switch (shape.type) {
    case "sekoia":
      return {
        ...common,
        type: "sekoia",
        streams: resolver.streamsWithConnector(shape.streams, shape.connector_uuids),
        baseUrl: baseOf(resolver.url("base_url", shape.base_url, "no query"), /^$/),
        apiKey: resolver.secret("api_key_secret", shape.api_key_secret),
        connectorUuids: {
          users: shape.connector_uuids.users ?? null,
          devices: shape.connector_uuids.devices ?? null,
        },
        batchSize: shape.batch_size,
      };
    case "http":
      return {
        ...common,
        type: "http",
        url: resolver.url("url", shape.url, "query allowed").href,
        format: shape.format,
        gzip: shape.gzip,
        token: shape.token_secret === undefined ? null : resolver.secret("token_secret", shape.token_secret),
        hmacKey:
          shape.hmac_secret === undefined ? null : resolver.secret("hmac_secret", shape.hmac_secret, "key"),
      };
    case "r2":
      return {
        ...common,
        type: "r2",
        binding: resolver.binding("r2", shape.binding),
        prefix: shape.prefix === "" || shape.prefix.endsWith("/") ? shape.prefix : `${shape.prefix}/`,
      };
    case "splunk_hec":
      return {
        ...common,
        type: "splunk_hec",
        baseUrl: baseOf(
          resolver.url("url", shape.url, "no query"),
          /\/services\/collector(\/event(\/1\.0)?)?$/,
        ),
        token: resolver.secret("token_secret", shape.token_secret),
        index: shape.index ?? null,
        sourcetype: shape.sourcetype ?? null,
        ack: shape.ack,
      };
    case "elasticsearch":
      return {
        ...common,
        type: "elasticsearch",
        baseUrl: baseOf(resolver.url("url", shape.url, "no query"), /\/_bulk$/),
        apiKey: encodedApiKey(resolver.secret("api_key_secret", shape.api_key_secret)),
        index: shape.index,
      };
    case "queue":
      return { ...common, type: "queue", binding: resolver.binding("queue", shape.binding) };
  }
};

/** Looks up what a sink's settings name: secrets, URLs, bindings. All that is wrong is told, not only the first. */
export const resolve = (
  shape: SinkShape,
  path: string,
  context: SinkContext,
): Result<SinkSettings, readonly SinkProblem[]> => {
  const resolver = new Resolver(path, context);
  const settings = settingsOf(shape, resolver);
  return resolver.problems.length > 0 ? err(resolver.problems) : ok(settings);
};
