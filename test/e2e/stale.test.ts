/** An org that is down, or too slow, for two hours: what a person hears of it from outside. */
import { reset } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import type { Alert } from "../../src/contract/alerts.ts";
import { call, createOrg, statusOf, sync } from "../support/org.ts";
import { passTime } from "../support/time.ts";
import { signedIn } from "../support/visit.ts";

afterEach(() => reset());

const CONNECTION = "t14";

const overview = async (): Promise<string> => (await (await signedIn())(`/?connection=${CONNECTION}`)).text();

/** Whether each place tells of a stale inventory of users. */
const told = async () => {
  const { alerts }: { alerts: Alert[] } = await (await call(CONNECTION, "GET", "/v1/alerts")).json();
  const metrics = await (await call(CONNECTION, "GET", "/metrics")).text();
  const line = metrics
    .split("\n")
    .find((text) =>
      ["okta_edge_attention{", `connection="${CONNECTION}"`, 'stream="users"', 'code="stale"'].every((part) =>
        text.includes(part),
      ),
    );
  return {
    status: (await statusOf(CONNECTION)).attention.some(({ code }) => code === "stale"),
    alert: alerts.some(
      ({ code, stream, connection }) => code === "stale" && stream === "users" && connection === CONNECTION,
    ),
    metric: line?.endsWith(" 1") ?? false,
    page: (await overview()).includes("is not current"),
  };
};

test.each(["503", "504"] as const)("answers of %s only", async (kind) => {
  const org = await createOrg(CONNECTION, { users: 8, groups: 2, devices: 2 });
  await sync(CONNECTION);
  await sync(CONNECTION, "full", "devices");
  await org.fault({ kind });
  await call(CONNECTION, "POST", "/v1/streams/users/runs", { kind: "delta" });
  expect(await told()).toEqual({ status: false, alert: false, metric: false, page: false });
  passTime(121 * 60_000);
  expect(await told()).toEqual({ status: true, alert: true, metric: true, page: true });
  // Alarms go by the real clock, so the end is tested where time can be told to pass: test/sync/trouble.test.ts.
  passTime(-121 * 60_000);
});
