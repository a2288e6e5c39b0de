/** Sekoia.io's asset connectors: the wire format of their own connector. */

import * as z from "zod";
import { type StreamName, streamNames } from "../../contract/streams.ts";
import { parseJson } from "../../lib/json.ts";
import { isWebPage, notAccepted, webPageError, webPageRemedy } from "../answers.ts";
import { defineSink } from "../definition.ts";
import { type Answer, describe, describeAnswer, type SinkRequest, send } from "../request.ts";
import { secretName, urlText, wholeNumber } from "../settings-keys.ts";
import type { SinkSettings } from "../settings-types.ts";
import { type DeliveryError, retry, type Sink, type SinkTools, stopped } from "../sink.ts";
import { failedTest, judgeTrial } from "../trial.ts";

interface SekoiaOptions {
  /** Those that have a connector. */
  readonly streams: readonly StreamName[];
  /** Origin and path without a trailing slash. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Lower-case. A stream without one is not taken. */
  readonly connectorUuids: Readonly<Record<StreamName, string | null>>;
  readonly batchSize: number;
}

const acceptedAnswer = z.object({ task_id: z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/) });
const task = z.object({ status: z.string() });

/** Whether something that speaks JSON answered, as Sekoia.io does. Of a body that broke off, this much is not asked. */
const isOwnAnswer = (answer: Answer): boolean =>
  parseJson(answer.text) !== undefined || (answer.isCut && !isWebPage(answer));

/** What is wrong with a 200 that is not Sekoia.io's. */
const notOwn = (request: SinkRequest, answer: Answer): DeliveryError =>
  isWebPage(answer)
    ? webPageError(request, answer)
    : {
        code: "configuration",
        status: answer.status,
        message: describe(request, `200, but not in JSON, as Sekoia.io answers: ${webPageRemedy}`),
      };

/**
 * Posts `{"version": 1, "items": […]}` to the stream's connector. Only 200 is success: the batch counts as
 * delivered then. The task that the answer names is looked at afterwards. If it ends badly, the status says so, but
 * nothing is sent again, because Sekoia.io has the batch and the next change of an asset repeats it anyway.
 */
const openSekoia = (settings: SinkSettings & SekoiaOptions, tools: SinkTools): Sink => {
  const connector = settings.connectorUuids[tools.stream];
  const endpoint = `${settings.baseUrl}/api/v2/asset-management/asset-connector/${connector}`;
  const secrets = [settings.apiKey];
  const authorization = `Bearer ${settings.apiKey}`;

  const requestOf = (items: readonly string[]): SinkRequest => ({
    method: "POST",
    url: endpoint,
    label: endpoint,
    headers: { authorization, "content-type": "application/json" },
    body: `{"version":1,"items":[${items.join(",")}]}`,
    secrets,
  });

  return {
    limits: { events: settings.batchSize, bytes: 5_000_000, eventBytes: null, overheadBytes: 1 },
    omitNulls: true,
    async deliver(events) {
      const request = requestOf(events.map((event) => event.json));
      const sent = await send(tools.fetch, request);
      if (!sent.ok) return retry(sent.error);
      const { status } = sent.value;
      if (status === 200 && isOwnAnswer(sent.value)) {
        const answer = acceptedAnswer.safeParse(parseJson(sent.value.text));
        return answer.success ? { kind: "accepted", followUp: answer.data.task_id } : { kind: "accepted" };
      }
      if (status === 200) return stopped(notOwn(request, sent.value));
      // This API documents no other 2xx: something else answers.
      return notAccepted(request, sent.value, tools.now(), status < 300 ? "invalid_response" : undefined);
    },
    async followUp(reference) {
      const url = `${settings.baseUrl}/api/v1/tasks/${encodeURIComponent(reference)}`;
      const request: SinkRequest = { method: "GET", url, label: url, headers: { authorization }, secrets };
      const sent = await send(tools.fetch, request);
      if (!sent.ok || sent.value.status === 429 || sent.value.status >= 500) return { kind: "waiting" };
      // An API key may lack the right to read tasks; the batch was accepted all the same.
      if (sent.value.status !== 200) return { kind: "done" };
      const answer = task.safeParse(parseJson(sent.value.text));
      if (!answer.success) return { kind: "done" };
      switch (answer.data.status.toUpperCase()) {
        case "PENDING":
        case "RUNNING":
          return { kind: "waiting" };
        case "FINISHED":
          return { kind: "done" };
        default:
          return {
            kind: "failed",
            message: `Sekoia.io's import ended badly: ${describeAnswer(request, sent.value)}`,
          };
      }
    },
    /** A batch without items. */
    async test() {
      if (connector === null) {
        return failedTest(
          null,
          `there is no connector UUID for ${tools.stream}`,
          "give one in connector_uuids",
        );
      }
      const request = requestOf([]);
      const sent = await send(tools.fetch, request);
      if (sent.ok && sent.value.status === 200 && !isOwnAnswer(sent.value))
        return failedTest(200, notOwn(request, sent.value).message, webPageRemedy);
      return judgeTrial(
        request,
        sent,
        "Sekoia.io took an empty batch for this connector with this API key",
        "check the API key and that it may write assets, and the connector's UUID",
      );
    },
  };
};

const uuidMessage = "it must be the connector configuration's UUID, as Sekoia.io shows it";

const uuid = z
  .string(uuidMessage)
  .trim()
  .toLowerCase()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, uuidMessage);

const noUuidsMessage =
  'it must hold at least one connector UUID, for example {"users": "b2e2e2c7-1a3e-4b7a-9c2d-8e4f3a6b7c9d"}';

const connectorUuids = z
  .strictObject(
    { users: uuid.optional(), devices: uuid.optional() },
    {
      error: ({ code }) =>
        code === "unrecognized_keys"
          ? `there is no such key; known keys are ${streamNames.join(", ")}`
          : noUuidsMessage,
    },
  )
  .refine((uuids) => uuids.users !== undefined || uuids.devices !== undefined, noUuidsMessage);

export const sekoia = defineSink({
  type: "sekoia",
  dialect: "sekoia",
  endpoints: "one per stream",
  keys: {
    api_key_secret: secretName,
    connector_uuids: connectorUuids,
    base_url: urlText.default("https://api.sekoia.io"),
    batch_size: wholeNumber(1, 1000).default(100),
  },
  resolve: (written, resolver): SekoiaOptions => {
    const { users = null, devices = null } = written.connector_uuids;
    const uuids = { users, devices };
    const streams = written.streams.filter((stream) => uuids[stream] !== null);
    if (streams.length === 0) {
      resolver.refuse(
        "connector_uuids",
        `it has no connector UUID for ${written.streams.join(" or ")}, so nothing would be sent`,
      );
    }
    return {
      streams,
      baseUrl: resolver.baseUrl("base_url", written.base_url),
      apiKey: resolver.secret("api_key_secret", written.api_key_secret),
      connectorUuids: uuids,
      batchSize: written.batch_size,
    };
  },
  open: openSekoia,
});
