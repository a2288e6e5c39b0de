/** Elasticsearch's bulk API: the index holds one document per asset, in its newest state. */

import * as z from "zod";
import type { StoredEvent } from "../../contract/stream-api.ts";
import { parseJson } from "../../lib/json.ts";
import { notAccepted } from "../answers.ts";
import { ndjson } from "../body.ts";
import { describe, describeAnswer, type SinkRequest, send } from "../request.ts";
import type { ElasticsearchSettings } from "../settings-types.ts";
import type {
  DeliveryError,
  DeliveryErrorCode,
  DeliveryOutcome,
  Rejection,
  Sink,
  SinkTools,
} from "../sink.ts";
import { failedTest, judgeTrial, passed } from "../test-outcome.ts";

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

const codeOf = ({ status, error }: Item): DeliveryErrorCode => {
  if (status === 429) return "rate_limited";
  if (status >= 500) return "unavailable";
  if (status === 401 || status === 403) return "credential";
  return indexErrors.test(`${error?.type} ${error?.reason}`) ? "configuration" : "refused";
};

/**
 * Posts to `/_bulk`. `_id` is `<connection>/<stream>/<asset id>` and the version is the sequence number
 * (`external_gte`): repeats overwrite themselves, and a late repeat never replaces a newer state. A version conflict
 * (409) therefore says that the index has what it should.
 */
export const createElasticsearchSink = (settings: ElasticsearchSettings, tools: SinkTools): Sink => {
  const secrets = [settings.apiKey, ...settings.apiKey.split(":")];
  const authorization = `ApiKey ${settings.apiKey}`;

  const request = (
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

  /** Items up to the first that has to wait are dealt with; that one and all after it are sent again. */
  const readItems = (sent: SinkRequest, items: readonly Item[]): DeliveryOutcome => {
    const rejected: Rejection[] = [];
    for (const [index, { status, error }] of items.entries()) {
      if ((status >= 200 && status < 300) || status === 409) continue;
      const code = codeOf({ status, error });
      const failure: DeliveryError = {
        code,
        status,
        message: describe(sent, `item: ${[status, error?.type, error?.reason].filter(Boolean).join(" ")}`),
      };
      if (code !== "refused")
        return { kind: "partial", taken: index, rejected, error: failure, retryAfterMs: null };
      rejected.push({ index, error: failure });
    }
    return { kind: "partial", taken: items.length, rejected, error: null, retryAfterMs: null };
  };

  return {
    limits: { events: 500, bytes: 5_000_000, eventBytes: null, overheadBytes: 200 },
    omitNulls: false,
    async deliver(events) {
      const path = "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason";
      const bulk = request(path, "POST", ndjson(events.flatMap(lines)), "application/x-ndjson");
      const sent = await send(tools.fetch, bulk);
      if (!sent.ok) return { kind: "retry", error: sent.error, retryAfterMs: null };
      if (sent.value.status !== 200) return notAccepted(bulk, sent.value, tools.now());
      const answer = bulkAnswer.safeParse(parseJson(sent.value.text));
      if (!answer.success || answer.data.items.length !== events.length) {
        const message = describe(bulk, "200, but not a bulk answer with a status for every item");
        return {
          kind: "retry",
          error: { code: "invalid_response", status: 200, message },
          retryAfterMs: null,
        };
      }
      return readItems(
        bulk,
        answer.data.items.map((entry) => entry.index),
      );
    },
    /** Asks what the API key may do, which every key may; a cluster without that question is asked who it is. */
    async test() {
      const credential = "check the API key and that it has the index privilege on this index";
      const body = JSON.stringify({ index: [{ names: [settings.index], privileges: ["index"] }] });
      const question = request("/_security/user/_has_privileges", "POST", body);
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
      const root = request("/", "GET");
      const answered = await send(tools.fetch, root);
      const proven = "Elasticsearch knows the API key; whether it may write to the index is not proven";
      if (answered.ok && answered.value.status === 403) {
        return {
          status: "unknown",
          httpStatus: 403,
          message: describeAnswer(root, answered.value),
          remedy: "the key is known but may not ask; the first delivery will show whether it may write",
        };
      }
      return judgeTrial(root, answered, proven, credential);
    },
  };
};
