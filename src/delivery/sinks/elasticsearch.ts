/** Elasticsearch's bulk API: the index holds one document per asset, in its newest state. */

import * as z from "zod";
import type { StoredEvent } from "../../contract/stream-api.ts";
import { parseJson } from "../../lib/json.ts";
import { notAccepted } from "../answers.ts";
import { ndjson } from "../body.ts";
import { defineSink } from "../definition.ts";
import { describe, describeAnswer, type SinkRequest, send } from "../request.ts";
import { secretName, textLike, urlText } from "../settings-keys.ts";
import type { SinkSettings } from "../settings-types.ts";
import {
  type DeliveryError,
  type DeliveryErrorCode,
  type DeliveryOutcome,
  type Rejection,
  retry,
  type Sink,
  type SinkTools,
} from "../sink.ts";
import { failedTest, judgeTrial, passed, undecided } from "../trial.ts";

interface ElasticsearchOptions {
  /** The URL up to `/_bulk`, without a trailing slash. */
  readonly baseUrl: string;
  /** In the encoded form that the header wants. */
  readonly apiKey: string;
  readonly index: string;
}

const item = z.object({
  status: z.int(),
  error: z.object({ type: z.string().optional(), reason: z.string().optional() }).optional(),
});
const bulkAnswer = z.object({ items: z.array(z.object({ index: item })) });
type Item = z.infer<typeof item>;

const privileges = z.object({ has_all_requested: z.boolean() });

/** Enough for the statuses of a whole batch, with reasons for all of it. */
const answerBytes = 2_000_000;

/** Errors of an item that no other document would be spared. */
const indexErrors =
  /index_not_found|index_closed|cluster_block|security_exception|authorization|data stream/i;

const itemErrorCode = ({ status, error }: Item): DeliveryErrorCode => {
  if (status === 429) return "rate_limited";
  if (status >= 500) return "unavailable";
  if (status === 401 || status === 403) return "credential";
  return indexErrors.test(`${error?.type} ${error?.reason}`) ? "configuration" : "refused";
};

/** A version conflict (409) says that the index has what it should, or something newer. */
const isIndexed = ({ status }: Item): boolean => (status >= 200 && status < 300) || status === 409;

/** Items up to the first that has to wait are dealt with; that one and all after it are sent again. */
const outcomeOf = (request: SinkRequest, items: readonly Item[]): DeliveryOutcome => {
  const rejected: Rejection[] = [];
  const partial = (taken: number, error: DeliveryError | null): DeliveryOutcome => ({
    kind: "partial",
    taken,
    rejected,
    error,
    retryAfterMs: null,
  });
  for (const [index, entry] of items.entries()) {
    if (isIndexed(entry)) continue;
    const { status, error: said } = entry;
    const error: DeliveryError = {
      code: itemErrorCode(entry),
      status,
      message: describe(request, `item: ${[status, said?.type, said?.reason].filter(Boolean).join(" ")}`),
    };
    if (error.code !== "refused") return partial(index, error);
    rejected.push({ index, error });
  }
  return partial(items.length, null);
};

/**
 * Posts to `/_bulk`. `_id` is `<connection>/<stream>/<asset id>` and the version is the sequence number
 * (`external_gte`): repeats overwrite themselves, and a late repeat never replaces a newer state.
 */
const openElasticsearch = (settings: SinkSettings & ElasticsearchOptions, tools: SinkTools): Sink => {
  const secrets = [settings.apiKey, ...settings.apiKey.split(":")];
  const authorization = `ApiKey ${settings.apiKey}`;

  const requestOf = (
    path: string,
    method: "GET" | "POST",
    body?: string,
    type = "application/json",
  ): SinkRequest => ({
    method,
    url: `${settings.baseUrl}${path}`,
    label: `${settings.baseUrl}${path.split("?")[0]}`,
    headers: { authorization, ...(body === undefined ? {} : { "content-type": type }) },
    ...(body === undefined ? {} : { body }),
    secrets,
    answerBytes,
  });

  const lines = (event: StoredEvent): string[] => [
    JSON.stringify({
      index: {
        _index: settings.index,
        _id: `${tools.connection}/${tools.stream}/${event.assetId}`,
        version: event.sequence,
        version_type: "external_gte",
      },
    }),
    event.json,
  ];

  return {
    limits: { events: 500, bytes: 5_000_000, eventBytes: null, overheadBytes: 200 },
    omitNulls: false,
    async deliver(events) {
      const path = "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason";
      const bulk = requestOf(path, "POST", ndjson(events.flatMap(lines)), "application/x-ndjson");
      const sent = await send(tools.fetch, bulk);
      if (!sent.ok) return retry(sent.error);
      if (sent.value.status !== 200) return notAccepted(bulk, sent.value, tools.now());
      const answer = bulkAnswer.safeParse(parseJson(sent.value.text));
      if (!answer.success || answer.data.items.length !== events.length) {
        const message = describe(bulk, "200, but not a bulk answer with a status for every item");
        return retry({ code: "invalid_response", status: 200, message });
      }
      return outcomeOf(
        bulk,
        answer.data.items.map((entry) => entry.index),
      );
    },
    /** Asks what the API key may do, which every key may; a cluster that cannot say is asked who it is. */
    async test() {
      const credential = "check the API key and that it has the index privilege on this index";
      const body = JSON.stringify({ index: [{ names: [settings.index], privileges: ["index"] }] });
      const question = requestOf("/_security/user/_has_privileges", "POST", body);
      const sent = await send(tools.fetch, question);
      const known =
        sent.ok && sent.value.status === 200
          ? privileges.safeParse(parseJson(sent.value.text)).data
          : undefined;
      if (known?.has_all_requested === true) return passed(200, `the API key may write to ${settings.index}`);
      if (known?.has_all_requested === false) {
        return failedTest(200, `the API key may not write to ${settings.index}`, credential);
      }
      if (!sent.ok || sent.value.status === 401) return judgeTrial(question, sent, "", credential);
      const root = requestOf("/", "GET");
      const answered = await send(tools.fetch, root);
      if (answered.ok && answered.value.status === 403) {
        return undecided(
          403,
          describeAnswer(root, answered.value),
          "the key is known but may not ask; the first delivery will show whether it may write",
        );
      }
      const proven = "Elasticsearch knows the API key; whether it may write to the index is not proven";
      return judgeTrial(root, answered, proven, credential);
    },
  };
};

/** The header wants base64 of `id:key`; Kibana shows both forms. */
const encodedApiKey = (key: string): string => (key.includes(":") ? btoa(key) : key);

export const elasticsearch = defineSink({
  type: "elasticsearch",
  dialect: "ocsf",
  endpoints: "one",
  keys: {
    url: urlText,
    api_key_secret: secretName,
    // elastic.co, "Create index API", path parameters.
    index: textLike(
      /^(?![-_+]|\.{1,2}$)[^\\/*?"<>|,#:\sA-Z]{1,255}$/,
      'it must be an index name: lower-case, at most 255 characters, none of \\ / * ? " < > | , # : or space, not starting with - _ or +',
    ),
  },
  resolve: (written, resolver): ElasticsearchOptions => ({
    baseUrl: resolver.baseUrl("url", written.url, /\/_bulk$/),
    apiKey: encodedApiKey(resolver.secret("api_key_secret", written.api_key_secret)),
    index: written.index,
  }),
  open: openElasticsearch,
});
