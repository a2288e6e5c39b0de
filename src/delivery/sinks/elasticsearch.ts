/** Elasticsearch's bulk API: the index holds one document per asset, in its newest state. */

import * as z from "zod";
import type { StoredEvent } from "../../contract/stream-api.ts";
import { parseJson } from "../../lib/json.ts";
import { err, ok, type Result } from "../../lib/result.ts";
import { notAccepted } from "../answers.ts";
import { ndjson } from "../body.ts";
import { defineSink } from "../definition.ts";
import { describe, describeAnswer, type SinkRequest, send } from "../request.ts";
import { batchSize, batchSizeOf, secretName, textLike, urlText } from "../settings-keys.ts";
import type { SinkSettings } from "../settings-types.ts";
import {
  type DeliveryError,
  type DeliveryErrorCode,
  type DeliveryOutcome,
  retry,
  type Sink,
  type SinkTools,
  stopped,
} from "../sink.ts";
import { failedTest, judgeTrial, passed, undecided } from "../trial.ts";

interface ElasticsearchOptions {
  /** The URL up to `/_bulk`, without a trailing slash. */
  readonly baseUrl: string;
  /** In the encoded form that the header wants. */
  readonly apiKey: string;
  readonly index: string;
  readonly batchSize?: number;
}

/** An event and the version under which its document is written. */
interface Versioned {
  readonly event: StoredEvent;
  readonly version: number;
}

interface Written {
  readonly request: SinkRequest;
  /** For each document. */
  readonly items: readonly Item[];
}

const item = z.object({
  status: z.int(),
  error: z.object({ type: z.string().optional(), reason: z.string().optional() }).optional(),
});
const bulkAnswer = z.object({ items: z.array(z.object({ index: item })) });
type Item = z.infer<typeof item>;

/** Documents that the index holds, as `_mget` gives them. */
const heldAnswer = z.object({
  docs: z.array(
    z.object({
      _version: z.int().optional(),
      _source: z.object({ metadata: z.object({ processed_time: z.number() }).optional() }).optional(),
    }),
  ),
});

const privileges = z.object({ has_all_requested: z.boolean() });

/** Enough for the statuses of a whole batch, with reasons for all of it. */
const answerBytes = 2_000_000;

/** Errors of an item that no other document would be spared: the index, its settings, or the key's rights. */
const indexErrors =
  /index_not_found|index_closed|cluster_block|security_exception|authorization|data stream|add \[\d+\].*shards|pipeline\b.*(does not exist|missing|not found)|limit of .*(fields|depth|nested)|read[-_ ]only|no write index|more than one ind/i;

const rightsErrors = /security_exception|authorization/i;

const itemErrorCode = ({ status, error }: Item): DeliveryErrorCode => {
  const said = `${error?.type} ${error?.reason}`;
  if (status === 429) return "rate_limited";
  if (status >= 500 || status === 408) return "unavailable";
  const isIndexs = indexErrors.test(said);
  if (isIndexs && !rightsErrors.test(said)) return "configuration";
  if (status === 401 || status === 403) return "credential";
  return isIndexs ? "configuration" : "refused";
};

/** The index holds a greater version of the document. */
const isConflict = ({ status }: Item): boolean => status === 409;
const isIndexed = ({ status }: Item): boolean => status >= 200 && status < 300;

const errorOf = (request: SinkRequest, entry: Item): DeliveryError => {
  const { status, error: said } = entry;
  const isLost = said?.type === "index_not_found_exception";
  return {
    code: itemErrorCode(entry),
    status,
    message: describe(request, `item: ${[status, said?.type, said?.reason].filter(Boolean).join(" ")}`),
    ...(isLost ? { lost: true } : {}),
  };
};

/** Whether an answer that broke off has said before that there are no errors. */
const saysFlawless = (text: string): boolean => /^[^[]*"errors"\s*:\s*false\b/.test(text);

/**
 * Posts to `/_bulk`. `_id` is `<connection>/<stream>/<asset id>` and the version is the sequence number
 * (`external_gte`): repeats overwrite themselves, and a late repeat never replaces a newer state. If the index holds a
 * greater version, that is a newer state, or one of another inventory, whose numbers do not compare with these: then the
 * time decides at which each was stored.
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

  const idOf = (event: StoredEvent): string => `${tools.connection}/${tools.stream}/${event.assetId}`;

  const lines = ({ event, version }: Versioned): string[] => [
    JSON.stringify({
      index: { _index: settings.index, _id: idOf(event), version, version_type: "external_gte" },
    }),
    event.json,
  ];

  /** Writes documents. @returns what became of each, or of the request */
  const write = async (documents: readonly Versioned[]): Promise<Result<Written, DeliveryOutcome>> => {
    const path = "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason";
    const request = requestOf(path, "POST", ndjson(documents.flatMap(lines)), "application/x-ndjson");
    const sent = await send(tools.fetch, request);
    if (!sent.ok) return err(retry(sent.error));
    const { status, text, isCut } = sent.value;
    if (status !== 200) return err(notAccepted(request, sent.value, tools.now()));
    const answer = bulkAnswer.safeParse(parseJson(text));
    if (answer.success && answer.data.items.length === documents.length)
      return ok({ request, items: answer.data.items.map((entry) => entry.index) });
    if (isCut && saysFlawless(text)) return err({ kind: "accepted" });
    const what = isCut ? "the answer broke off" : "not a bulk answer with a status for every item";
    const code = isCut ? "timeout" : "invalid_response";
    return err(retry({ code, status: 200, message: describe(request, `200, but ${what}`) }));
  };

  /** What the index holds instead of these: the version of each whose state is older, else null. */
  const olderHeld = async (
    documents: readonly Versioned[],
  ): Promise<Result<readonly (number | null)[], DeliveryOutcome>> => {
    const docs = documents.map(({ event }) => ({
      _index: settings.index,
      _id: idOf(event),
      _source: "metadata.processed_time",
    }));
    const request = requestOf("/_mget", "POST", JSON.stringify({ docs }));
    const sent = await send(tools.fetch, request);
    if (!sent.ok) return err(retry(sent.error));
    const { status } = sent.value;
    if (status === 401 || status === 403) {
      const what =
        'the index holds later versions, and whether they are newer cannot be seen: give the API key the index privilege "read"';
      return err(
        stopped({ code: "configuration", status, message: describe(request, `${status}; ${what}`) }),
      );
    }
    if (status === 429 || status >= 500) return err(notAccepted(request, sent.value, tools.now()));
    const held = heldAnswer.safeParse(parseJson(sent.value.text)).data?.docs ?? [];
    return ok(
      documents.map(({ event }, index) => {
        const { _version: version = null, _source: source } = held[index] ?? {};
        const storedAt = source?.metadata?.processed_time;
        return storedAt !== undefined && storedAt < event.changedAt ? version : null;
      }),
    );
  };

  /** Writes over what is older in spite of its version, under that version. @returns what became of each document */
  const settleConflicts = async (
    documents: readonly Versioned[],
    items: readonly Item[],
  ): Promise<Result<readonly Item[], DeliveryOutcome>> => {
    const conflicts = documents.flatMap((document, index) =>
      items[index] !== undefined && isConflict(items[index]) ? [{ document, index }] : [],
    );
    if (conflicts.length === 0) return ok(items);
    const held = await olderHeld(conflicts.map(({ document }) => document));
    if (!held.ok) return held;
    const again = conflicts.flatMap(({ document, index }, at) => {
      const version = held.value[at] ?? null;
      return version === null ? [] : [{ index, document: { ...document, version } }];
    });
    const written = again.length === 0 ? null : await write(again.map(({ document }) => document));
    if (written !== null && !written.ok) return written;
    const settled: Item[] = items.map((entry) => (isConflict(entry) ? { status: 200 } : entry));
    for (const [at, { index }] of again.entries()) {
      const entry = written?.value.items[at];
      // Whoever wrote in between has a newer state still.
      if (entry !== undefined && !isConflict(entry)) settled[index] = entry;
    }
    return ok(settled);
  };

  return {
    limits: { events: settings.batchSize ?? 500, bytes: 5_000_000, eventBytes: null, overheadBytes: 200 },
    omitNulls: false,
    async deliver(events) {
      const documents = events.map((event) => ({ event, version: event.sequence }));
      const written = await write(documents);
      if (!written.ok) return written.error;
      const { request } = written.value;
      const items = await settleConflicts(documents, written.value.items);
      if (!items.ok) return items.error;
      const answers = items.value.map((entry) => (isIndexed(entry) ? null : errorOf(request, entry)));
      return answers.every((answer) => answer === null) ? { kind: "accepted" } : { kind: "partial", answers };
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
    batch_size: batchSize.optional(),
  },
  resolve: (written, resolver): ElasticsearchOptions => ({
    baseUrl: resolver.baseUrl("url", written.url, /\/_bulk$/),
    apiKey: encodedApiKey(resolver.secret("api_key_secret", written.api_key_secret)),
    index: written.index,
    ...batchSizeOf(written),
  }),
  open: openElasticsearch,
});
