/** Prometheus metrics of every connection, made from the same status documents that the API shows. */

import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import type { Measurements } from "../../contract/stream-api.ts";
import { streamNames } from "../../contract/streams.ts";
import { errorFields, log } from "../../lib/log.ts";
import type { App, AppDeps } from "../deps.ts";
import { postureMetrics, statusMetrics } from "../metrics.ts";
import { problemResponses } from "../problems.ts";
import { type MetricFamily, prometheusContentType, prometheusText, type Sample } from "../prometheus.ts";

const metrics = createRoute({
  method: "get",
  path: "/metrics",
  tags: ["Service"],
  summary: "Prometheus metrics",
  description:
    "Runs, calls to Okta, assets, unknown facts, posture, sinks, rate limits and look-ups of every connection.",
  security: [{ key: [] }],
  responses: {
    200: {
      description: "Metrics in the Prometheus text format.",
      content: {
        "text/plain": {
          schema: z.string(),
          example: 'okta_edge_assets{connection="default",stream="users"} 950\n',
        },
      },
    },
    ...problemResponses(401, 429, 503),
  },
});

const upGauge = (name: string, help: string, samples: Sample[]): MetricFamily => ({
  name,
  help,
  type: "gauge",
  samples,
});

export const metricsRoutes = (app: App, deps: AppDeps): void => {
  /** Null when the stream does not answer, because one failing stream must not hide the others. */
  const measured = async (
    env: Env,
    connection: string,
    stream: (typeof streamNames)[number],
  ): Promise<Measurements | null> => {
    try {
      const of = deps.stream(env, connection, stream);
      // Objects of the version before, which are there while a new one is deployed, know their status alone.
      return await of.measurements().catch(async () => ({ status: await of.status(), posture: null }));
    } catch (error) {
      log("error", "metrics_stream_failed", { connection, stream, ...errorFields(error) });
      return null;
    }
  };

  const fromSources = async (env: Env, connections: readonly string[]): Promise<MetricFamily[]> => {
    const gathered = await Promise.all(
      (deps.metrics ?? []).map(async (source) => {
        try {
          return await source(env, connections);
        } catch (error) {
          log("error", "metrics_source_failed", errorFields(error));
          return [];
        }
      }),
    );
    return gathered.flat();
  };

  app.openapi(metrics, async (c) => {
    const all = [...deps.config(c.env).connections];
    const connections = all.filter(([, setting]) => setting.ok).map(([id]) => id);
    const pairs = connections.flatMap((id) => streamNames.map((stream) => ({ id, stream })));
    const [measurements, others] = await Promise.all([
      Promise.all(pairs.map(({ id, stream }) => measured(c.env, id, stream))),
      fromSources(c.env, connections),
    ]);
    const configured = upGauge(
      "okta_edge_connection_configured",
      "1 when the connection's settings are valid, else 0.",
      all.map(([connection, setting]) => ({ labels: { connection }, value: setting.ok ? 1 : 0 })),
    );
    const up = upGauge(
      "okta_edge_stream_up",
      "1 when the stream answered this scrape, else 0.",
      pairs.map(({ id, stream }, index) => ({
        labels: { connection: id, stream },
        value: measurements[index] === null ? 0 : 1,
      })),
    );
    const known = measurements.flatMap((one) => (one === null ? [] : [one.status]));
    const points = measurements.flatMap((one) =>
      one?.posture == null
        ? []
        : [{ labels: { connection: one.status.connection, stream: one.status.stream }, point: one.posture }],
    );
    const families = [configured, up, ...statusMetrics(known), ...postureMetrics(points), ...others];
    return c.text(prometheusText(families), 200, {
      "Content-Type": prometheusContentType,
    });
  });
};
