/** POST /v1/test-connection tries every sink: a real, harmless request where the protocol has one. */
import type { StreamName } from "../contract/streams.ts";
import type { ConfiguredSink } from "./settings-types.ts";
import type { SinkTest } from "./sink.ts";

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
 * Tries a sink without delivering anything: every endpoint that it has, of which the worst result counts. What a pass
 * proves is the type's own matter, see docs/sinks.md.
 *
 * @param deps.env where bindings are looked up.
 */
export const testSink = async (
  sink: ConfiguredSink,
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
    sink
      .open({
        fetch: deps.fetch,
        now: deps.now,
        connection: deps.connection,
        stream,
        binding: (name) => bindings[name],
      })
      .test();
  const streams = sink.endpoints === "one" ? sink.streams.slice(0, 1) : sink.streams;
  const tests = await Promise.all(streams.map(trial));
  const worst = tests.reduce((a, b) => (severity[b.status] > severity[a.status] ? b : a));
  return {
    name: `sink:${sink.name}`,
    status: worst.status,
    http_status: worst.httpStatus,
    message: worst.message,
    remedy: worst.remedy,
    latency_ms: deps.now() - startedAt,
  };
};
