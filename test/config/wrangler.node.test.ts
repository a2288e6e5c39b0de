/** What the documents promise of the deployed configuration. */
import { expect, test } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";

test("Cloudflare keeps no URLs of requests: neither lines of its own nor spans nor queries", () => {
  const { observability } = readConfig({ config: "./wrangler.toml" });
  expect(observability).toMatchObject({
    enabled: true,
    redact_query_string: true,
    logs: { invocation_logs: false },
    traces: { enabled: false },
  });
});
