import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { call, createOrg, sync } from "../support/org.ts";

const CONNECTION = "t12";

test("calls, their duration and waits are told per connection and endpoint", async () => {
  await createOrg(CONNECTION, { users: 25, groups: 4, devices: 3 });
  await sync(CONNECTION, "full");
  const text = await (await call(CONNECTION, "GET", "/metrics")).text();
  const line = (name: string, labels: string): number => {
    const found = text.split("\n").find((candidate) => candidate.startsWith(`${name}{${labels}`));
    return Number(found?.split(" ").at(-1));
  };
  const endpoint = `connection="${CONNECTION}",endpoint="GET /api/v1/users"`;
  expect(line("okta_edge_okta_calls_total", `${endpoint},outcome="ok"`)).toBe(1);
  expect(line("okta_edge_okta_call_duration_seconds_count", endpoint)).toBe(1);
  expect(line("okta_edge_okta_call_duration_seconds_bucket", `${endpoint},le="+Inf"`)).toBe(1);
  expect(line("okta_edge_okta_call_duration_seconds_bucket", `${endpoint},le="30"`)).toBe(1);
  const { waits } = await env.OKTA_GATE.getByName(CONNECTION).callStats();
  for (const [bucket, count] of Object.entries(waits)) {
    expect(line("okta_edge_permits_waited_total", `connection="${CONNECTION}",bucket="${bucket}"`)).toBe(
      count,
    );
  }
});
