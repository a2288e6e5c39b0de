/** Microsoft Sentinel: Azure Monitor's Logs Ingestion API. The files in docs/sinks/sentinel/ make what it sends to. */
import type { StoredEvent } from "../../contract/stream-api.ts";
import { isWebPage, notAccepted, webPageError, webPageRemedy } from "../answers.ts";
import { type ClientCredentials, sendAuthorized } from "../client-credentials.ts";
import { defineSink } from "../definition.ts";
import { clientId, oauth2Remedy } from "../oauth2-settings.ts";
import { type Answer, describe, describeAnswer, type SinkRequest } from "../request.ts";
import { secretName, textLike, urlText } from "../settings-keys.ts";
import type { SinkSettings } from "../settings-types.ts";
import { retry, type Sink, type SinkTools, stopped } from "../sink.ts";
import { failedTest, judgeTrial } from "../trial.ts";

interface SentinelOptions {
  /** The data collection endpoint, without a trailing slash. */
  readonly endpoint: string;
  readonly ruleId: string;
  readonly streamName: string;
  readonly credentials: ClientCredentials;
}

/** learn.microsoft.com, "Azure Monitor service limits", Logs Ingestion API: 1 MB a call, compressed or not. */
const mostBytes = 1_000_000;
const mostRecords = 1500;
/** What a record has around its event: names, the two times, and the ids, of which Okta's are short. */
const envelopeBytes = 600;

const scope = "https://monitor.azure.com/.default";

/** What to do about answers (learn.microsoft.com, "Send data using Logs ingestion API", troubleshooting). */
const remedies: Readonly<Record<number, string>> = {
  403: "give the app the role Monitoring Metrics Publisher on the data collection rule; it can take 30 minutes to work",
  404: "check endpoint, rule_id (the rule's immutable ID) and stream_name",
};

/** The same answer, with what to do about it before what it says. */
const explained = (answer: Answer): Answer => {
  const remedy = remedies[answer.status];
  return remedy === undefined ? answer : { ...answer, text: `(${remedy}) ${answer.text}` };
};

/** A record of the stream that docs/sinks/sentinel/rule.json declares. */
const recordOf = (event: StoredEvent, { connection, stream }: SinkTools): string => {
  const seenAt = new Date(event.changedAt).toISOString();
  const meta = JSON.stringify({
    TimeGenerated: seenAt,
    SeenAt: seenAt,
    EventId: event.id,
    Sequence: event.sequence,
    Connection: connection,
    Stream: stream,
    AssetId: event.changed ?? event.assetId,
  });
  return `${meta.slice(0, -1)},"Event":${event.json}}`;
};

/** Posts records to the stream of a data collection rule. Only 204 is success. */
const openSentinel = (settings: SinkSettings & SentinelOptions, tools: SinkTools): Sink => {
  const path = `${settings.endpoint}/dataCollectionRules/${settings.ruleId}/streams/${settings.streamName}`;

  const post = (records: readonly string[]) => {
    const request: SinkRequest = {
      method: "POST",
      url: `${path}?api-version=2023-01-01`,
      label: path,
      headers: { "content-type": "application/json" },
      body: `[${records.join(",")}]`,
      secrets: [],
    };
    return sendAuthorized(settings.credentials, tools, request);
  };

  return {
    // The brackets around the list are 2 bytes.
    limits: {
      events: mostRecords,
      bytes: mostBytes - 2,
      eventBytes: mostBytes - 2,
      overheadBytes: envelopeBytes,
    },
    omitNulls: true,
    async deliver(events) {
      const posted = await post(events.map((event) => recordOf(event, tools)));
      if (!posted.ok) return posted.error;
      const { request, sent } = posted.value;
      if (!sent.ok) return retry(sent.error);
      const { status } = sent.value;
      if (status === 204) return { kind: "accepted" };
      if (status < 300 && isWebPage(sent.value)) return stopped(webPageError(request, sent.value));
      // This API documents no other 2xx: something else answers.
      return notAccepted(
        request,
        explained(sent.value),
        tools.now(),
        status < 300 ? "invalid_response" : undefined,
      );
    },
    /** A list without records. */
    async test() {
      const posted = await post([]);
      if (!posted.ok) return failedTest(posted.error.error.status, posted.error.error.message, oauth2Remedy);
      const { request, sent } = posted.value;
      if (sent.ok && sent.value.status !== 204 && sent.value.status < 300) {
        const { status } = sent.value;
        return failedTest(
          status,
          describe(request, `${status}, where Azure Monitor answers 204`),
          webPageRemedy,
        );
      }
      const remedy = sent.ok ? remedies[sent.value.status] : undefined;
      if (sent.ok && remedy !== undefined)
        return failedTest(sent.value.status, describeAnswer(request, sent.value), remedy);
      const proven = "Azure Monitor took an empty list for this rule and stream with this app";
      return judgeTrial(request, sent, proven, oauth2Remedy);
    },
  };
};

export const sentinel = defineSink({
  type: "sentinel",
  dialect: "ocsf",
  endpoints: "one",
  keys: {
    endpoint: urlText,
    rule_id: textLike(
      /^dcr-[0-9A-Za-z]{1,64}$/,
      "it must be the data collection rule's immutable ID, for example dcr-0123456789abcdef0123456789abcdef",
    ),
    stream_name: textLike(
      /^Custom-[0-9A-Za-z_]{1,100}$/,
      "it must be the name of the stream in the data collection rule, for example Custom-OktaInventory",
    ),
    tenant_id: textLike(
      /^[0-9A-Za-z][0-9A-Za-z.-]{0,99}$/,
      "it must be the Microsoft Entra tenant's ID or domain, for example 00000000-0000-0000-0000-000000000000",
    ),
    client_id: clientId,
    client_secret_secret: secretName,
    token_url: urlText.optional(),
  },
  resolve: (written, resolver): SentinelOptions => {
    const microsofts = `https://login.microsoftonline.com/${written.tenant_id}/oauth2/v2.0/token`;
    return {
      endpoint: resolver.baseUrl("endpoint", written.endpoint, /\/dataCollectionRules(\/.*)?$/),
      ruleId: written.rule_id,
      streamName: written.stream_name,
      credentials: {
        tokenUrl: resolver.url("token_url", written.token_url ?? microsofts).href,
        clientId: written.client_id,
        clientSecret: resolver.secret("client_secret_secret", written.client_secret_secret, "key"),
        scope,
      },
    };
  },
  open: openSentinel,
});
