/** Any HTTP receiver: a JSON array or NDJSON, optionally compressed, signed and authenticated. */

import * as z from "zod";
import type { StoredEvent } from "../../contract/stream-api.ts";
import { sha256Hex } from "../../lib/bytes.ts";
import { isWebPage, notAccepted, webPageError } from "../answers.ts";
import { gzip, ndjson, signature } from "../body.ts";
import { defineSink } from "../definition.ts";
import { type SinkRequest, send } from "../request.ts";
import { batchSize, batchSizeOf, flag, secretName, urlText } from "../settings-keys.ts";
import type { SinkSettings } from "../settings-types.ts";
import { retry, type Sink, type SinkTools, stopped } from "../sink.ts";
import { judgeTrial } from "../trial.ts";

interface HttpOptions {
  readonly url: string;
  readonly format: "json" | "ndjson";
  readonly gzip: boolean;
  readonly token: string | null;
  readonly hmacKey: string | null;
  readonly batchSize?: number;
}

/** Just under the request size that common servers take by default (nginx: 1 MiB). */
const mostBytes = 1_000_000;

/** The parts of a URL that may be secret: receivers such as Sumo Logic and Slack put tokens into paths and queries. */
const secretParts = (url: URL): string[] => [
  ...url.searchParams.values(),
  url.search,
  ...(url.pathname.length > 1
    ? [url.pathname, ...url.pathname.split("/").filter((part) => part.length >= 16)]
    : []),
];

/**
 * Posts batches to a URL. Any 2xx is an acknowledgement, even if its body breaks off; but not a web page.
 *
 * `Idempotency-Key` is the same for every repeat of a batch and differs between batches; `X-Signature` covers the
 * bytes on the wire.
 */
const openHttp = (settings: SinkSettings & HttpOptions, tools: SinkTools): Sink => {
  const url = new URL(settings.url);
  const secrets = [settings.token ?? "", settings.hmacKey ?? "", ...secretParts(url)];

  const requestOf = async (events: readonly StoredEvent[]): Promise<SinkRequest> => {
    const lines = events.map((event) => event.json);
    const text = settings.format === "json" ? `[${lines.join(",")}]` : ndjson(lines);
    const body = settings.gzip ? await gzip(text) : text;
    const headers: Record<string, string> = {
      "content-type": settings.format === "json" ? "application/json" : "application/x-ndjson",
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
    return { method: "POST", url: settings.url, label: `${url.origin}/…`, headers, body, secrets };
  };

  return {
    limits: { events: settings.batchSize ?? 500, bytes: mostBytes, eventBytes: null, overheadBytes: 1 },
    omitNulls: false,
    async deliver(events) {
      const request = await requestOf(events);
      const sent = await send(tools.fetch, request);
      if (!sent.ok) return retry(sent.error);
      const { status } = sent.value;
      if (status < 200 || status >= 300) return notAccepted(request, sent.value, tools.now());
      return isWebPage(sent.value) ? stopped(webPageError(request, sent.value)) : { kind: "accepted" };
    },
    /** An empty batch, signed and authenticated like any other. */
    async test() {
      const request = await requestOf([]);
      return judgeTrial(
        request,
        await send(tools.fetch, request),
        "the receiver took an empty batch with this URL and credential",
        "check the secrets that token_secret and hmac_secret name",
      );
    },
  };
};

export const http = defineSink({
  type: "http",
  dialect: "ocsf",
  endpoints: "one",
  keys: {
    url: urlText,
    format: z.enum(["json", "ndjson"], 'it must be "json" or "ndjson"').default("json"),
    gzip: flag.default(false),
    token_secret: secretName.optional(),
    hmac_secret: secretName.optional(),
    batch_size: batchSize.optional(),
  },
  resolve: (written, resolver): HttpOptions => ({
    url: resolver.url("url", written.url).href,
    format: written.format,
    gzip: written.gzip,
    token: resolver.optionalSecret("token_secret", written.token_secret),
    hmacKey: resolver.optionalSecret("hmac_secret", written.hmac_secret, "key"),
    ...batchSizeOf(written),
  }),
  open: openHttp,
});
