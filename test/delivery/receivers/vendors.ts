/** What the vendors of docs/sinks.md's recipes document of a request. A request that is against it is refused. */
import { isPlainObject } from "../../../src/lib/json.ts";
import { json, parse } from "./receiver.ts";

/** A request as a vendor sees it. */
interface Arrived {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** Decompressed. */
  readonly text: string;
}

export interface Vendor {
  /** Secrets by the names that the recipe gives them, and wrong ones. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The hosts that the vendor documents. */
  readonly host: RegExp;
  readonly mostBytes: number;
  /** What is wrong with a request; else the events in it. */
  read(request: Arrived): Response | readonly unknown[];
  /** What it answers to a request that is right. */
  readonly taken: () => Response;
}

const no = (status: number, what: string): Response => json(status, { errors: [what] });

const isPost = ({ method, headers }: Arrived, type: string): boolean =>
  method === "POST" && headers.get("content-type") === type;

/** Lines, each of which is JSON; undefined if one is not. */
const linesOf = (text: string): readonly unknown[] | undefined => {
  const lines = text
    .split("\n")
    .filter((line) => line !== "")
    .map(parse);
  return lines.includes(undefined) ? undefined : lines;
};

const listOf = (text: string): readonly unknown[] | undefined => {
  const list = parse(text);
  return Array.isArray(list) ? list : undefined;
};

/** How many attributes an event has, counted as the paths that lead to values which are no objects. */
const attributesOf = (event: unknown): number =>
  isPlainObject(event) ? Object.values(event).reduce<number>((sum, held) => sum + attributesOf(held), 0) : 1;

/** docs.datadoghq.com, API reference, "Send logs". */
const datadog: Vendor = {
  secrets: { DD_KEY: "dd-api-key-0123456789" },
  host: /^http-intake\.logs\.([a-z0-9-]+\.)?(datadoghq\.(com|eu)|ddog-gov\.com)$/,
  mostBytes: 5_000_000,
  read(request) {
    if (request.url.pathname !== "/api/v2/logs") return no(404, "path");
    if (request.headers.get("dd-api-key") !== this.secrets["DD_KEY"]) return no(403, "Forbidden");
    const list = listOf(request.text);
    if (!isPost(request, "application/json") || list === undefined) return no(400, "body");
    if (list.length > 1000) return no(413, "more than 1000 logs");
    const isLog = (log: unknown) => isPlainObject(log) && typeof log["message"] === "string";
    if (!list.every(isLog)) return no(400, "a log without its message");
    return list.some((log) => JSON.stringify(log).length > 1_000_000)
      ? no(413, "a log that is cut off")
      : list;
  },
  taken: () => json(202, {}),
};

/** docs.newrelic.com, "Introduction to the Log API": the simplified body is one object. */
const newRelic: Vendor = {
  secrets: { NEW_RELIC_KEY: "nr-license-key-0123456789" },
  host: /^log-api\.(eu\.)?newrelic\.com$/,
  mostBytes: 1_000_000,
  read(request) {
    if (request.url.pathname !== "/log/v1") return no(404, "path");
    if (request.headers.get("api-key") !== this.secrets["NEW_RELIC_KEY"]) return no(403, "license key");
    const body = parse(request.text);
    if (!isPost(request, "application/json") || !isPlainObject(body)) return no(400, "body");
    if (attributesOf(body) > 255) return no(400, "more than 255 attributes");
    return Object.keys(body).length === 0 ? [] : [body];
  },
  taken: () => json(202, { requestId: "0f2a1b3c-0001-b000-0000-000000000000" }),
};

/** help.sumologic.com, "Upload logs to an HTTP source": 100 KB to 1 MB before compression. */
const sumo: Vendor = {
  secrets: {
    SUMO_URL: "https://collectors.sumologic.com/receiver/v1/http/ZaVnC4dhaV1234567890abcdefghijklmnop==",
  },
  host: /^[a-z0-9.-]+\.sumologic\.com$/,
  mostBytes: 1_000_000,
  read(request) {
    if (request.url.href !== this.secrets["SUMO_URL"]) return no(401, "the URL's code");
    // Of the type, Sumo Logic says only what is for metrics.
    if (request.method !== "POST" || /sumologic/.test(request.headers.get("content-type") ?? ""))
      return no(400, "type");
    if (request.headers.get("x-sumo-category") !== "okta/inventory") return no(400, "category");
    return linesOf(request.text) ?? no(400, "lines");
  },
  taken: () => new Response("", { status: 200 }),
};

/** docs.cribl.io, "HTTP/S (Bulk API) Source". */
const cribl: Vendor = {
  secrets: { CRIBL_TOKEN: "cribl-auth-token-0123456789" },
  host: /^[a-z0-9.-]+\.cribl\.cloud$/,
  mostBytes: 2_000_000,
  read(request) {
    if (request.url.pathname !== "/cribl/_bulk" || request.url.port !== "10080") return no(404, "path");
    if (request.headers.get("authorization") !== this.secrets["CRIBL_TOKEN"]) return no(401, "token");
    return (request.method === "POST" ? linesOf(request.text) : undefined) ?? no(400, "lines");
  },
  taken: () => json(200, { items: [] }),
};

const objectOf = (request: Arrived): Response | readonly unknown[] => {
  const body = parse(request.text);
  if (!isPost(request, "application/json") || !isPlainObject(body)) return no(400, "body");
  return Object.keys(body).length === 0 ? [] : [body];
};

/** tines.com/docs, "Webhook": the path and the secret are in the address; 201 unless the action says otherwise. */
const tines: Vendor = {
  secrets: { TINES_URL: "https://example.tines.com/webhook/okta-inventory/e0d8498269045506b80e2f7a99d041e7" },
  host: /^[a-z0-9-]+\.tines\.com$/,
  mostBytes: 1_000_000,
  read(request) {
    return request.url.href === this.secrets["TINES_URL"] ? objectOf(request) : no(401, "secret");
  },
  taken: () => new Response("Ok", { status: 201 }),
};

/** kb.torq.io, "Webhook": JSON, with the headers that the integration demands. */
const torq: Vendor = {
  secrets: {
    TORQ_URL: "https://hooks.torq.io/v1/webhooks/af6aab8d-1111-2222-3333-74259a93b18f",
    TORQ_SECRET: "torq-header-value-0123456789",
  },
  host: /^hooks\.(eu\.)?torq\.io$/,
  mostBytes: 1_000_000,
  read(request) {
    const isKnown =
      request.url.href === this.secrets["TORQ_URL"] &&
      request.headers.get("x-torq-secret") === this.secrets["TORQ_SECRET"];
    return isKnown ? objectOf(request) : no(401, "header");
  },
  taken: () => json(200, {}),
};

/** library.humio.com, "Ingesting with HTTP Event Collector (HEC)". */
const logscale: Vendor = {
  secrets: { LOGSCALE_TOKEN: "logscale-ingest-token-0123456789" },
  host: /^[a-z0-9.-]+\.(humio|crowdstrike)\.com$/,
  mostBytes: 5_000_000,
  read(request) {
    if (!["/services/collector", "/api/v1/ingest/hec"].includes(request.url.pathname)) return no(404, "path");
    if (request.headers.get("authorization") !== `Bearer ${this.secrets["LOGSCALE_TOKEN"]}`)
      return no(401, "token");
    const lines = request.method === "POST" ? linesOf(request.text) : undefined;
    const isRight = (line: unknown) =>
      isPlainObject(line) &&
      isPlainObject(line["event"]) &&
      typeof line["time"] === "number" &&
      // In seconds, and of this century.
      line["time"] < 4e9 &&
      !("index" in line);
    return lines?.every(isRight) ? lines.map((line) => Object(line).event) : no(400, "envelope");
  },
  taken: () => json(200, { text: "Success", code: 0 }),
};

/** docs.cloud.google.com, "Set up a SIEM webhook". */
const secops: Vendor = {
  secrets: { SECOPS_API_KEY: "google-api-key-0123456789", SECOPS_SECRET: "feed-secret-0123456789" },
  host: /^([a-z0-9-]+-)?chronicle(\.[a-z0-9-]+\.rep)?\.googleapis\.com$/,
  mostBytes: 4_000_000,
  read(request) {
    const { url, headers } = request;
    const path =
      /^\/v1(alpha|beta)?\/projects\/[^/]+\/locations\/[^/]+\/instances\/[^/]+\/feeds\/[^/]+:importPushLogs$/;
    if (!path.test(url.pathname)) return no(404, "path");
    if (headers.get("x-goog-api-key") !== this.secrets["SECOPS_API_KEY"]) return no(403, "API key");
    if (headers.get("x-webhook-access-key") !== this.secrets["SECOPS_SECRET"]) return no(401, "secret");
    return (request.method === "POST" ? linesOf(request.text) : undefined) ?? no(400, "lines");
  },
  taken: () => json(200, {}),
};

/** By the heading of the recipe. */
export const vendors: Readonly<Record<string, Vendor>> = {
  Datadog: datadog,
  "New Relic": newRelic,
  "Sumo Logic": sumo,
  Cribl: cribl,
  Tines: tines,
  Torq: torq,
  "CrowdStrike LogScale": logscale,
  "Google SecOps": secops,
};
