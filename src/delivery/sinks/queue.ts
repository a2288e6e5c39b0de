/** A Cloudflare Queue: one message per event. */
import { bound } from "../binding.ts";
import { defineSink } from "../definition.ts";
import { bindingName } from "../settings-keys.ts";
import type { SinkSettings } from "../settings-types.ts";
import type { Sink, SinkTools } from "../sink.ts";
import { undecided } from "../trial.ts";

interface QueueOptions {
  readonly binding: string;
}

/** developers.cloudflare.com/queues/platform/limits: KB are 1,000 bytes, about 100 of a message are metadata. */
const limits = { events: 100, bytes: 256_000, eventBytes: 128_000, overheadBytes: 100 };

const remedy = "enable Queues and uncomment [[queues.producers]] in wrangler.toml with this binding name";

const isQueue = (binding: unknown): binding is Queue =>
  typeof binding === "object" && binding !== null && "sendBatch" in binding;

/** Sends every event as a JSON message of its own. */
const openQueue = (settings: SinkSettings & QueueOptions, tools: SinkTools): Sink => {
  const queue = bound(tools, settings, {
    noun: "queue",
    is: isQueue,
    remedy,
    failure: "the queue did not take the batch",
    event: "queue_send_failed",
  });
  return {
    limits,
    omitNulls: false,
    deliver: (events) =>
      queue.deliver((binding) =>
        binding.sendBatch(events.map((event) => ({ body: JSON.parse(event.json), contentType: "json" }))),
      ),
    /** Nothing: whatever is sent to a queue is delivered. */
    test: () =>
      queue.test(async () =>
        undecided(
          null,
          `a queue is bound as ${settings.binding}; a queue has no harmless request to try`,
          null,
        ),
      ),
  };
};

export const queue = defineSink({
  type: "queue",
  dialect: "ocsf",
  endpoints: "one",
  keys: { binding: bindingName.default("EVENTS_QUEUE") },
  resolve: ({ binding }, resolver): QueueOptions => ({
    binding: resolver.binding("binding", binding, remedy),
  }),
  open: openQueue,
});
