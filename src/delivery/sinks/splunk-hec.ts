/** Splunk's HTTP Event Collector, with indexer acknowledgement where the token has it. */

import * as z from "zod";
import type { StoredEvent } from "../../contract/stream-api.ts";
import { sha256Hex } from "../../lib/bytes.ts";
import { parseJson } from "../../lib/json.ts";
import { notAccepted } from "../answers.ts";
import { type Answer, describe, describeAnswer, type SinkRequest, send } from "../request.ts";
import type { SplunkHecSettings } from "../settings-types.ts";
import type { DeliveryErrorCode, Sink, SinkTools } from "../sink.ts";
import { failedTest, judgeTrial, passed } from "../test-outcome.ts";

const hecAnswer = z.object({ code: z.int(), ackId: z.int().optional() });
const ackAnswer = z.object({ acks: z.record(z.string(), z.boolean()) });

/** What HEC's own codes mean (docs.splunk.com, "Possible error codes" of the HTTP Event Collector). */
const verdictOf = (code: number | undefined): DeliveryErrorCode | undefined => {
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
    // Server error, busy, shutting down, queue full.
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

const channelRemedy = 'the HEC token has indexer acknowledgement: set "ack": true';

/** A channel of one's own per connection, stream and sink, the same after every restart: a UUID made of a digest. */
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
export const createSplunkHecSink = (settings: SplunkHecSettings, tools: SinkTools): Sink => {
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

  const requestOf = async (path: "/event" | "/ack", body: string): Promise<SinkRequest> => ({
    method: "POST",
    url: `${collector}${path}`,
    label: `${collector}${path}`,
    headers: {
      authorization: `Splunk ${settings.token}`,
      "content-type": "application/json",
      ...(settings.ack
        ? {
            "x-splunk-request-channel": await channelOf(
              `${tools.connection}/${tools.stream}/${settings.name}`,
            ),
          }
        : {}),
    },
    body,
    secrets,
  });

  const verdict = (answer: Answer): DeliveryErrorCode | undefined =>
    answer.status === 200
      ? "invalid_response"
      : verdictOf(hecAnswer.safeParse(parseJson(answer.text)).data?.code);

  return {
    limits: { events: 500, bytes: 900_000, eventBytes: null, overheadBytes: 200 },
    omitNulls: false,
    async deliver(events) {
      const request = await requestOf("/event", events.map(envelope).join("\n"));
      const sent = await send(tools.fetch, request);
      if (!sent.ok) return { kind: "retry", error: sent.error, retryAfterMs: null };
      const answer = hecAnswer.safeParse(parseJson(sent.value.text));
      if (sent.value.status !== 200 || answer.data?.code !== 0) {
        return notAccepted(request, sent.value, tools.now(), verdict(sent.value));
      }
      if (!settings.ack) return { kind: "accepted" };
      if (answer.data.ackId !== undefined) return { kind: "awaiting", receipt: String(answer.data.ackId) };
      const message = describe(
        request,
        'no ackId came: enable indexer acknowledgement for this HEC token, or set "ack": false',
      );
      return {
        kind: "stopped",
        error: { code: "configuration", status: 200, message },
        retryAfterMs: null,
      };
    },
    async settle(receipt) {
      const request = await requestOf("/ack", `{"acks":[${receipt}]}`);
      const sent = await send(tools.fetch, request);
      if (!sent.ok) return { kind: "retry", error: sent.error, retryAfterMs: null };
      const answer = ackAnswer.safeParse(parseJson(sent.value.text));
      if (sent.value.status === 200 && answer.success) {
        return answer.data.acks[receipt] === true ? { kind: "accepted" } : { kind: "waiting" };
      }
      const outcome = notAccepted(request, sent.value, tools.now(), verdict(sent.value));
      return outcome.kind === "retry" || outcome.kind === "stopped"
        ? outcome
        : { kind: "retry", error: outcome.error, retryAfterMs: null };
    },
    /** Nothing: a valid token is told "No data" (code 5), any other is refused. */
    async test() {
      const request = await requestOf("/event", "");
      const sent = await send(tools.fetch, request);
      const code = sent.ok ? hecAnswer.safeParse(parseJson(sent.value.text)).data?.code : undefined;
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
