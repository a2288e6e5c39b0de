import type { MetricsSource } from "./deps.ts";

/** Calls to Okta, as each connection's gate has booked them. */
export const callMetrics: MetricsSource = async (env, connections) => {
  const all = await Promise.all(
    connections.map(async (connection) => ({
      connection,
      calls: await env.OKTA_GATE.getByName(connection).calls(),
    })),
  );
  const samples = all.flatMap(({ connection, calls }) =>
    Object.entries(calls).flatMap(([endpoint, outcomes]) =>
      Object.entries(outcomes).map(([outcome, value]) => ({
        labels: { connection, endpoint, outcome },
        value,
      })),
    ),
  );
  return [
    {
      name: "okta_edge_okta_calls_total",
      help: "Calls to Okta by endpoint and outcome: ok, or the code of the error.",
      type: "counter",
      samples,
    },
  ];
};
