/** POST /v1/test-connection tries every sink: a real, harmless request where the protocol has one. */
import type { StreamName } from "../contract/streams.ts";
import type { SinkSettings } from "./settings-types.ts";
import type { SinkTest } from "./sink.ts";
import { createSink } from "./sinks/index.ts";

export interface SinkCheck {
  /** `sink:NAME`. */
  readonly name: string;
  readonly status: SinkTest["status"];
  readonly http_status: number | null;
  /** What is proven, or what went wrong; bounded and without secrets. */
  readonly message: string;
  readonly remedy: string | null;
  readonly latency_ms: number;
}

const severity = { pass: 0, unknown: 1, fail: 2 } as const;

/**
 * Tries a sink without delivering anything. What a pass proves, by type: `sekoia` and `http` that an empty batch
 * is taken with this credential; `splunk_hec` that HEC knows the token; `elasticsearch` that the API key may write to
 * the index; `r2` that the bucket answers; `queue` is at best unknown, because a queue can only be written to.
 *
 * @param deps.env where bindings are looked up.
 */
export const testSink = async (
  settings: SinkSettings,
  deps: {
    readonly env: object;
    readonly connection: string;
    readonly fetch: typeof fetch;
    readonly now: () => number;
  },
): Promise<SinkCheck> => {
  const bindings: Readonly<Record<string, unknown>> = { ...deps.env };
  const startedAt = deps.now();
  const trial = (stream: StreamName): Promise<SinkTest> =>
    createSink(settings, {
      fetch: deps.fetch,
      now: deps.now,
      connection: deps.connection,
      stream,
      binding: (name) => bindings[name],
    }).test();
  // Only Sekoia.io has an endpoint of its own per stream.
  const streams = settings.type === "sekoia" ? settings.streams : settings.streams.slice(0, 1);
  const tests = await Promise.all(streams.map(trial));
  const worst = tests.reduce((a, b) => (severity[b.status] > severity[a.status] ? b : a));
  return {
    name: `sink:${settings.name}`,
    status: worst.status,
    http_status: worst.httpStatus,
    message: worst.message,
    remedy: worst.remedy,
    latency_ms: deps.now() - startedAt,
  };
};
