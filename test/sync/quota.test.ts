/** A daily quota of Cloudflare's that is used up is told with when it begins anew. */
import { reset, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { statusMetrics } from "../../src/http/metrics.ts";
import { createOrg, streamStub } from "../support/org.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

test("rows that may not be written: the cron does not fail, and the status says why nothing goes on", async () => {
  await createOrg("t3", { users: 3 });
  const status = await runInDurableObject(streamStub("t3"), async (stream, { storage }) => {
    await stream.status();
    const spy = vi.spyOn(storage, "transactionSync").mockImplementation(() => {
      throw new Error("Exceeded allowed rows written in Durable Objects free tier.");
    });
    await stream.wake("full");
    const during = await stream.status();
    spy.mockRestore();
    return during;
  });
  expect(status.attention).toMatchObject([{ code: "quota_exhausted", severity: "error" }]);
  expect(status.attention[0]?.detail).toContain("Rows written in Durable Objects");
  expect(status.attention[0]?.detail).toContain("00:00:00 UTC");
  const attention = statusMetrics([status]).find(({ name }) => name === "okta_edge_attention");
  expect(attention?.samples.filter(({ value }) => value === 1).map(({ labels }) => labels?.["code"])).toEqual(
    ["quota_exhausted"],
  );
});
