/** A Cloudflare Queue: one message per event. */
import { errorFields, log } from "../../lib/log.ts";
import { redact } from "../redact.ts";
import type { QueueSettings } from "../settings-types.ts";
import type { Sink, SinkTools } from "../sink.ts";
import { failedTest, undecided } from "../test-outcome.ts";

/** developers.cloudflare.com/queues/platform/limits: KB are 1,000 bytes, about 100 of a message are metadata. */
const limits = { events: 100, bytes: 256_000, eventBytes: 128_000, overheadBytes: 100 };

const isQueue = (binding: unknown): binding is Queue =>
  typeof binding === "object" && binding !== null && "sendBatch" in binding;

/** Sends every event as a JSON message of its own. */
export const createQueueSink = (settings: QueueSettings, tools: SinkTools): Sink => {
  const remedy = "uncomment [[queues.producers]] in wrangler.toml with this binding name and deploy";
  const absent = `the Worker has no queue bound as ${settings.binding}`;
  return {
    limits,
    omitNulls: false,
    async deliver(events) {
      const queue = tools.binding(settings.binding);
      if (!isQueue(queue)) {
        return {
          kind: "stopped",
          error: { code: "configuration", status: null, message: `${absent}; ${remedy}` },
          retryAfterMs: null,
        };
      }
      try {
        await queue.sendBatch(events.map((event) => ({ body: JSON.parse(event.json), contentType: "json" })));
        return { kind: "accepted" };
      } catch (thrown) {
        log("warn", "queue_send_failed", { sink: settings.name, ...errorFields(thrown) });
        const message = `the queue did not take the batch: ${redact(String(thrown), [])}`;
        return { kind: "retry", error: { code: "unavailable", status: null, message }, retryAfterMs: null };
      }
    },
    async test() {
      return isQueue(tools.binding(settings.binding))
        ? undecided(
            null,
            `a queue is bound as ${settings.binding}; a queue has no harmless request to try`,
            null,
          )
        : failedTest(null, absent, remedy);
    },
  };
};
