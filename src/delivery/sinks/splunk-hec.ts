/** Splunk's HTTP Event Collector, with indexer acknowledgement where the token has it. */

import * as z from "zod";
import type { StoredEvent } from "../../contract/stream-api.ts";
import { sha256Hex } from "../../lib/bytes.ts";
import { parseJson } from "../../lib/json.ts";
import { isWebPage, notAccepted, webPageError } from "../answers.ts";
import { defineSink } from "../definition.ts";
import { type Answer, describe, describeAnswer, type SinkRequest, send } from "../request.ts";
import { batchSize, batchSizeOf, flag, secretName, textLike, urlText } from "../settings-keys.ts";
import type { SinkSettings } from "../settings-types.ts";
import { type DeliveryErrorCode, retry, type Sink, type SinkTools, stopped } from "../sink.ts";
import { failedTest, judgeTrial, passed } from "../trial.ts";

interface SplunkHecOptions {
  /** The URL up to `/services/collector`, without a trailing slash. */
  readonly baseUrl: string;
  readonly token: string;
  /** Null leaves the choice to the HEC token. */
  readonly index: string | null;
  readonly sourcetype: string | null;
  /** Wait for the indexers' acknowledgement. */
  readonly ack: boolean;
  readonly batchSize?: number;
  /** The scheme of the token; absent: `Splunk`. */
  readonly auth?: "Bearer";
}

const hecAnswer = z.object({
  code: z.int().optional(),
  ackId: z.int().optional(),
  /** Which event of the request is at fault, from 0. Those before it were indexed. */
  "invalid-event-number": z.int().min(0).optional(),
});
const ackAnswer = z.object({ acks: z.record(z.string(), z.boolean()) });

/** What HEC's own codes mean (docs.splunk.com, "Possible error codes" of the HTTP Event Collector). */
const hecErrorCode = (code: number | undefined): DeliveryErrorCode | undefined => {
  switch (code) {
    // Token disabled, missing, malformed, unknown; query string authorization is off.
    case 1:
    case 2:
    case 3:
    case 4:
    case 16:
      return "credential";
    // Unknown index; channel missing, invalid; acknowledgement is off: nothing that an event could be guilty of.
    case 7:
    case 10:
    case 11:
    case 14:
      return "configuration";
    // Server error, busy, shutting down; queues at capacity, where the status is not 200.
    case 8:
    case 9:
    case 23:
    case 24:
    case 25:
      return "unavailable";
    default:
      return undefined;
  }
};

const readAnswer = ({ text }: Answer) => hecAnswer.safeParse(parseJson(text)).data;

const verdictOf = (answer: Answer): DeliveryErrorCode | undefined => {
  const verdict = hecErrorCode(readAnswer(answer)?.code);
  return answer.status === 200 ? (verdict ?? "invalid_response") : verdict;
};

/** Success, and success with the warning that a queue, or the acknowledgement channels, are nearly full. */
const taken: ReadonlySet<number> = new Set([0, 24, 25]);

/**
 * Whether a 200 says that the events were taken: by its code, or, from receivers that are only compatible with HEC, without
 * any. A web page does not.
 */
const isTaken = (answer: Answer): boolean => {
  const code = readAnswer(answer)?.code;
  return answer.status === 200 && (code === undefined ? !isWebPage(answer) : taken.has(code));
};

const channelRemedy = 'the HEC token has indexer acknowledgement: set "ack": true';

/** A channel for each connection, stream and sink, the same after every restart: a UUID made of a digest. */
const channelOf = async (name: string): Promise<string> => {
  const digest = await sha256Hex(name);
  const [a, b, c, d, e] = [
    [0, 8],
    [8, 12],
    [12, 16],
    [16, 20],
    [20, 32],
  ].map(([from, to]) => digest.slice(from, to));
  return `${a}-${b}-${c}-${d}-${e}`;
};

/**
 * Posts events to `/services/collector/event`. `time` is when the state was seen. Index, sourcetype and host are the
 * HEC token's where the settings say nothing.
 */
const openSplunkHec = (settings: SinkSettings & SplunkHecOptions, tools: SinkTools): Sink => {
  const collector = `${settings.baseUrl}/services/collector`;
  const source = `okta:${tools.connection}/${tools.stream}`;
  const secrets = [settings.token];

  const envelope = (event: StoredEvent): string => {
    const meta = JSON.stringify({
      time: event.changedAt / 1000,
      source,
      ...(settings.sourcetype === null ? {} : { sourcetype: settings.sourcetype }),
      ...(settings.index === null ? {} : { index: settings.index }),
      fields: { event_id: event.id, sequence: event.sequence },
    });
    return `${meta.slice(0, -1)},"event":${event.json}}`;
  };

  const channel = async (): Promise<Record<string, string>> => ({
    "x-splunk-request-channel": await channelOf(`${tools.connection}/${tools.stream}/${settings.name}`),
  });

  // LogScale, which wants Bearer, documents no path below it. To Splunk both are the same.
  const eventPath = settings.auth === "Bearer" ? "" : "/event";

  const requestOf = async (path: "/event" | "" | "/ack", body: string): Promise<SinkRequest> => ({
    method: "POST",
    url: `${collector}${path}`,
    label: `${collector}${path}`,
    headers: {
      authorization: `${settings.auth ?? "Splunk"} ${settings.token}`,
      "content-type": "application/json",
      ...(settings.ack ? await channel() : {}),
    },
    body,
    secrets,
  });

  return {
    limits: { events: settings.batchSize ?? 500, bytes: 900_000, eventBytes: null, overheadBytes: 200 },
    omitNulls: false,
    async deliver(events) {
      const request = await requestOf(eventPath, events.map(envelope).join("\n"));
      const sent = await send(tools.fetch, request);
      if (!sent.ok) return retry(sent.error);
      const answer = readAnswer(sent.value);
      if (!isTaken(sent.value)) {
        if (sent.value.status === 200 && isWebPage(sent.value))
          return stopped(webPageError(request, sent.value));
        const outcome = notAccepted(request, sent.value, tools.now(), verdictOf(sent.value));
        const offender = answer?.["invalid-event-number"];
        if (outcome.kind !== "refused" || offender === undefined || offender >= events.length) return outcome;
        return {
          kind: "partial",
          answers: [...events.slice(0, offender).map(() => null), outcome.error],
        };
      }
      if (!settings.ack) return { kind: "accepted" };
      if (answer?.ackId !== undefined) return { kind: "awaiting", receipt: String(answer.ackId) };
      if (sent.value.isCut) {
        const cut = describe(request, "200, but the answer broke off before its ackId");
        return retry({ code: "network", status: 200, message: cut });
      }
      const message = describe(
        request,
        'no ackId came: enable indexer acknowledgement for this HEC token, or set "ack": false',
      );
      return stopped({ code: "configuration", status: 200, message });
    },
    async settle(receipt) {
      const request = await requestOf("/ack", `{"acks":[${receipt}]}`);
      const sent = await send(tools.fetch, request);
      if (!sent.ok) return retry(sent.error);
      const answer = ackAnswer.safeParse(parseJson(sent.value.text));
      if (sent.value.status === 200 && answer.success) {
        return answer.data.acks[receipt] === true ? { kind: "accepted" } : { kind: "waiting" };
      }
      const outcome = notAccepted(request, sent.value, tools.now(), verdictOf(sent.value));
      return outcome.kind === "stopped" || outcome.kind === "retry" ? outcome : retry(outcome.error);
    },
    /** No event: HEC answers "No data" (code 5) to a valid token and refuses any other. */
    async test() {
      const request = await requestOf(eventPath, "");
      const sent = await send(tools.fetch, request);
      const code = sent.ok ? readAnswer(sent.value)?.code : undefined;
      if (sent.ok && sent.value.status === 400 && (code === 5 || code === 6 || code === 12 || code === 13)) {
        return passed(400, "HEC knows the token, and noticed that the trial request holds no event");
      }
      if (sent.ok && code === 10) {
        return failedTest(sent.value.status, describeAnswer(request, sent.value), channelRemedy);
      }
      return judgeTrial(
        request,
        sent,
        "HEC answered the trial request with this token",
        "check the HEC token: that it exists, is enabled, and is the one that token_secret names",
      );
    },
  };
};

export const splunkHec = defineSink({
  type: "splunk_hec",
  dialect: "ocsf",
  endpoints: "one",
  keys: {
    url: urlText,
    token_secret: secretName,
    // docs.splunk.com, "Create custom indexes"; `_` leads internal ones.
    index: textLike(
      /^[a-z0-9_][a-z0-9_-]{0,127}$/,
      "it must be an index name: lower-case letters, digits, underscores, hyphens",
    ).optional(),
    sourcetype: textLike(
      /^[\x21-\x7e]{1,128}$/,
      "it must be a sourcetype, for example okta:inventory",
    ).optional(),
    ack: flag.default(false),
    auth: z
      .enum(["Splunk", "Bearer"], 'it must be "Splunk", or "Bearer" for CrowdStrike LogScale')
      .default("Splunk"),
    batch_size: batchSize.optional(),
  },
  resolve: (written, resolver): SplunkHecOptions => ({
    baseUrl: resolver.baseUrl(
      "url",
      written.url,
      /\/(services\/collector(\/event(\/1\.0)?)?|api\/v1\/ingest\/hec)$/,
    ),
    token: resolver.secret("token_secret", written.token_secret),
    index: written.index ?? null,
    sourcetype: written.sourcetype ?? null,
    ack: written.ack,
    ...batchSizeOf(written),
    ...(written.auth === "Bearer" ? { auth: written.auth } : {}),
  }),
  open: openSplunkHec,
});
