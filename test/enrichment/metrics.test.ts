import { env } from "cloudflare:workers";
import { expect, it, vi } from "vitest";
import { enrichmentMetrics } from "../../src/http/routes/enrichments.ts";
import { newOrg } from "./support.ts";

it("counts how look-ups ended", async () => {
  const org = await newOrg();
  const login = "jane@example.com";
  const id = await org.user({ profile: { login, email: login } });
  await org.fault("/api/v1/users/{id}/roles", "403");
  await org.ask(login);
  for (let i = 0; i < 3; i++) await org.ask(id);
  await org.ask("nobody@example.com");
  await org.ask("me@example.com");
  await org.fault("/api/v1/users/{id}", "403");
  await org.ask("other@example.com");
  await vi.waitFor(
    async () => {
      const families = await enrichmentMetrics(env, [org.connection]);
      const values = families.flatMap(({ name, samples }) =>
        samples.map(({ labels, value }) => [name, labels["result"] ?? null, value]),
      );
      expect(values).toEqual([
        ["okta_edge_enrichments_total", "hits", 3],
        ["okta_edge_enrichments_total", "misses", 3],
        ["okta_edge_enrichments_total", "stale", 0],
        ["okta_edge_enrichments_total", "errors", 1],
        ["okta_edge_enrichments_not_found_total", null, 2],
        ["okta_edge_enrichments_incomplete_total", null, 4],
        ["okta_edge_cache_forget_failures_total", null, 0],
      ]);
    },
    { timeout: 30_000 },
  );
});
