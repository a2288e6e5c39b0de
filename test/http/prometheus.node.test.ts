import { describe, expect, it } from "vitest";
import { prometheusText } from "../../src/http/prometheus.ts";

describe("prometheusText", () => {
  it("writes help, type and samples, with labels and help escaped", () => {
    const text = prometheusText([
      {
        name: "okta_edge_calls_total",
        help: "Calls,\nby \\ endpoint.",
        type: "counter",
        samples: [
          { labels: { endpoint: 'GET "/api"\\v1\n' }, value: 3 },
          { labels: {}, value: 0.5 },
        ],
      },
    ]);
    expect(text).toBe(
      "# HELP okta_edge_calls_total Calls,\\nby \\\\ endpoint.\n" +
        "# TYPE okta_edge_calls_total counter\n" +
        'okta_edge_calls_total{endpoint="GET \\"/api\\"\\\\v1\\n"} 3\n' +
        "okta_edge_calls_total 0.5\n",
    );
  });

  it("writes histograms and numbers that are not finite", () => {
    const text = prometheusText([
      {
        name: "okta_edge_lookup_seconds",
        help: "Latency.",
        type: "histogram",
        samples: [
          { suffix: "_bucket", labels: { le: "+Inf" }, value: 2 },
          { suffix: "_sum", labels: {}, value: Number.POSITIVE_INFINITY },
          { suffix: "_count", labels: {}, value: Number.NaN },
        ],
      },
    ]);
    expect(text.split("\n").slice(2)).toEqual([
      'okta_edge_lookup_seconds_bucket{le="+Inf"} 2',
      "okta_edge_lookup_seconds_sum +Inf",
      "okta_edge_lookup_seconds_count NaN",
      "",
    ]);
  });

  it("joins families of one name and leaves empty ones out", () => {
    const family = (value: number) => ({
      name: "okta_edge_x",
      help: "X.",
      type: "gauge" as const,
      samples: [{ labels: {}, value }],
    });
    const empty = { name: "okta_edge_y", help: "Y.", type: "gauge" as const, samples: [] };
    expect(prometheusText([family(1), empty, family(2)])).toBe(
      "# HELP okta_edge_x X.\n# TYPE okta_edge_x gauge\nokta_edge_x 1\nokta_edge_x 2\n",
    );
  });
});
