/** Any HTTP receiver: a JSON array, NDJSON or single objects, optionally compressed, signed and authenticated. */

import * as z from "zod";
import { secretPartsOf } from "../../config/secrets.ts";
import type { StoredEvent } from "../../contract/stream-api.ts";
import { sha256Hex } from "../../lib/bytes.ts";
import { ok } from "../../lib/result.ts";
import { isWebPage, notAccepted, webPageError } from "../answers.ts";
import { gzip, ndjson, signature } from "../body.ts";
import { type Authorized, type ClientCredentials, sendAuthorized } from "../client-credentials.ts";
import { defineSink } from "../definition.ts";
import { headersKey, resolveHeaders } from "../http-headers.ts";
import { oauth2Key, oauth2Remedy, resolveOauth2 } from "../oauth2-settings.ts";
import { type SinkRequest, send } from "../request.ts";
import { batchSize, batchSizeOf, flag, secretName, urlText } from "../settings-keys.ts";
import type { Resolver } from "../settings-resolver.ts";
import type { SinkSettings } from "../settings-types.ts";
import { retry, type Sink, type SinkTools, stopped } from "../sink.ts";
import { failedTest, judgeTrial } from "../trial.ts";

/** What was not there in version 0.1.0 is absent unless it is set, so that older settings are the same as before. */
interface HttpOptions {
  readonly url: string;
  readonly format: "json" | "ndjson" | "object";
  readonly gzip: boolean;
  readonly token: string | null;
  readonly hmacKey: string | null;
  readonly batchSize?: number;
  /** The whole URL is a secret. */
  readonly isUrlSecret?: true;
  /** By their names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly oauth2?: ClientCredentials;
}

/** Just under the request size that common servers take by default (nginx: 1 MiB). */
const mostBytes = 1_000_000;

const contentTypes = {
  json: "application/json",
  ndjson: "application/x-ndjson",
  object: "application/json",
} as const;

const bodyOf = (format: HttpOptions["format"], lines: readonly string[]): string => {
  if (format === "ndjson") return ndjson(lines);
  return format === "json" ? `[${lines.join(",")}]` : (lines[0] ?? "{}");
};

/** Texts shorter than this are ordinary words, such as `prod`. */
const minSecretLength = 8;

/** Values that no message may hold. */
const secretsOf = (settings: HttpOptions, url: URL): string[] => {
  const values = Object.values(settings.headers ?? {});
  return [
    settings.token ?? "",
    settings.hmacKey ?? "",
    ...secretPartsOf(url),
    ...(settings.isUrlSecret === true ? [url.href, url.origin, url.host, url.hostname] : []),
    ...values
      .flatMap((value) => [value, ...value.split(" ")])
      .filter(({ length }) => length >= minSecretLength),
  ];
};

/**
 * Posts batches to a URL. Any 2xx is an acknowledgement, even if its body breaks off; but not a web page.
 *
 * `Idempotency-Key` is the same for every repeat of a batch and differs between batches; `X-Signature` covers the
 * bytes on the wire.
 */
const openHttp = (settings: SinkSettings & HttpOptions, tools: SinkTools): Sink => {
  const { format, oauth2 } = settings;
  const url = new URL(settings.url);
  const label = settings.isUrlSecret === true ? "https://…" : `${url.origin}/…`;
  const secrets = secretsOf(settings, url);

  const requestOf = async (events: readonly StoredEvent[]): Promise<SinkRequest> => {
    const text = bodyOf(
      format,
      events.map((event) => event.json),
    );
    const body = settings.gzip ? await gzip(text) : text;
    const headers: Record<string, string> = {
      ...settings.headers,
      "content-type": contentTypes[format],
      "idempotency-key": await sha256Hex(
        [tools.connection, tools.stream, ...events.map((event) => event.id)].join("\n"),
      ),
      "x-connection": tools.connection,
      "x-stream": tools.stream,
    };
    if (settings.gzip) headers["content-encoding"] = "gzip";
    if (settings.token !== null) headers["authorization"] = `Bearer ${settings.token}`;
    if (settings.hmacKey !== null) {
      headers["x-signature"] = await signature(settings.hmacKey, body, Math.floor(tools.now() / 1000));
    }
    return { method: "POST", url: settings.url, label, headers, body, secrets };
  };

  const post = async (request: SinkRequest) =>
    oauth2 === undefined
      ? ok<Authorized>({ request, sent: await send(tools.fetch, request) })
      : sendAuthorized(oauth2, tools, request);

  return {
    limits: {
      events: format === "object" ? 1 : (settings.batchSize ?? 500),
      bytes: mostBytes,
      eventBytes: null,
      overheadBytes: 1,
    },
    omitNulls: false,
    async deliver(events) {
      const posted = await post(await requestOf(events));
      if (!posted.ok) return posted.error;
      const { request, sent } = posted.value;
      if (!sent.ok) return retry(sent.error);
      const { status } = sent.value;
      if (status < 200 || status >= 300) return notAccepted(request, sent.value, tools.now());
      return isWebPage(sent.value) ? stopped(webPageError(request, sent.value)) : { kind: "accepted" };
    },
    /** An empty batch, signed and authenticated like any other. */
    async test() {
      const posted = await post(await requestOf([]));
      if (!posted.ok) return failedTest(posted.error.error.status, posted.error.error.message, oauth2Remedy);
      return judgeTrial(
        posted.value.request,
        posted.value.sent,
        "the receiver took an empty batch with this URL and credential",
        oauth2 === undefined
          ? "check the secrets that token_secret, hmac_secret and headers name"
          : oauth2Remedy,
      );
    },
  };
};

const keys = {
  url: urlText.optional(),
  url_secret: secretName.optional(),
  format: z
    .enum(
      ["json", "ndjson", "object"],
      'it must be "json" or "ndjson", or "object" for one event in each request',
    )
    .default("json"),
  gzip: flag.default(false),
  token_secret: secretName.optional(),
  hmac_secret: secretName.optional(),
  batch_size: batchSize.optional(),
  headers: headersKey.optional(),
  oauth2: oauth2Key.optional(),
};

type WrittenHttp = z.output<z.ZodObject<typeof keys>>;

/** The URL, from one of the two keys that may give it. */
const urlOf = (written: WrittenHttp, resolver: Resolver): Pick<HttpOptions, "url" | "isUrlSecret"> => {
  const { url, url_secret: secret } = written;
  if (secret !== undefined) {
    if (url !== undefined) resolver.refuse("url_secret", "url is there as well; leave one of the two out");
    return { url: resolver.secretUrl("url_secret", secret).href, isUrlSecret: true };
  }
  if (url === undefined) {
    const message =
      "it is missing; give a URL, for example https://siem.example.com/okta, or in url_secret the name of a secret that holds it";
    resolver.refuse("url", message);
  }
  return { url: url === undefined ? "" : resolver.url("url", url).href };
};

export const http = defineSink({
  type: "http",
  dialect: "ocsf",
  endpoints: "one",
  keys,
  resolve: (written, resolver): HttpOptions => {
    const { token_secret: token, headers, oauth2 } = written;
    if (token !== undefined && oauth2 !== undefined)
      resolver.refuse("oauth2", "token_secret sets Authorization already; leave one of the two out");
    if (written.format === "object" && written.batch_size !== undefined)
      resolver.refuse("batch_size", 'with "format": "object" each request holds one event; leave it out');
    const authorizedBy = token !== undefined ? "token_secret" : oauth2 !== undefined ? "oauth2" : null;
    const { url, ...secretUrl } = urlOf(written, resolver);
    return {
      url,
      format: written.format,
      gzip: written.gzip,
      token: resolver.optionalSecret("token_secret", token),
      hmacKey: resolver.optionalSecret("hmac_secret", written.hmac_secret, "key"),
      ...batchSizeOf(written),
      ...secretUrl,
      ...(headers === undefined ? {} : { headers: resolveHeaders(headers, resolver, authorizedBy) }),
      ...(oauth2 === undefined ? {} : { oauth2: resolveOauth2(oauth2, resolver) }),
    };
  },
  open: openHttp,
});
