/** Sekoia.io's asset connectors: the wire format of their own connector. */

import * as z from "zod";
import { parseJson } from "../../lib/json.ts";
import { notAccepted } from "../answers.ts";
import { describeAnswer, type SinkRequest, send } from "../request.ts";
import type { SekoiaSettings } from "../settings-types.ts";
import type { Sink, SinkTools } from "../sink.ts";
import { failedTest, judgeTrial } from "../test-outcome.ts";

const accepted = z.object({ task_id: z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/) });
const task = z.object({ status: z.string() });

/**
 * Posts `{"version": 1, "items": […]}` to the stream's connector. Only 200 is success: the batch counts as
 * delivered then. A task that the answer names is asked for afterwards; if it ends badly, the status says so, but
 * nothing is sent again, because Sekoia.io has the batch and the next change of an asset repeats it anyway.
 */
export const createSekoiaSink = (settings: SekoiaSettings, tools: SinkTools): Sink => {
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
      if (!sent.ok) return { kind: "retry", error: sent.error, retryAfterMs: null };
      const { status } = sent.value;
      if (status === 200) {
        const answer = accepted.safeParse(parseJson(sent.value.text));
        return answer.success ? { kind: "accepted", followUp: answer.data.task_id } : { kind: "accepted" };
      }
      // Another 2xx is nothing that this API documents: something else answers.
      return notAccepted(request, sent.value, tools.now(), status < 300 ? "invalid_response" : undefined);
    },
    async followUp(reference) {
      const url = `${settings.baseUrl}/api/v1/tasks/${encodeURIComponent(reference)}`;
      const request: SinkRequest = { method: "GET", url, label: url, headers: { authorization }, secrets };
      const sent = await send(tools.fetch, request);
      if (!sent.ok || sent.value.status === 429 || sent.value.status >= 500) return { kind: "waiting" };
      if (sent.value.status !== 200) {
        // An API key may lack the right to read tasks; the batch was accepted all the same.
        return { kind: "done" };
      }
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
      return judgeTrial(
        request,
        await send(tools.fetch, request),
        "Sekoia.io took an empty batch for this connector with this API key",
        "check the API key and that it may write assets, and the connector's UUID",
      );
    },
  };
};
