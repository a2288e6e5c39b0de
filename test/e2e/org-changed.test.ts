/** Another Okta org behind a connection's base URL, as callers of the API see it. */
import { reset } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { StreamStatus } from "../../src/contract/status.ts";
import { call, createOrg, startRun, statusOf, sync, type TestOrg, until, untilIdle } from "../support/org.ts";
import { passTime } from "../support/time.ts";

const CONNECTION = "t11";
const OTHER_ID = "00oOTHERorgOTHERorg0";
const SIZE = { users: 30, groups: 4, devices: 8, seed: 3 };

afterEach(() => reset());

let org: TestOrg;
beforeEach(async () => {
  org = await createOrg(CONNECTION, SIZE);
});

const lookUp = async (account: string) => {
  const response = await call(CONNECTION, "GET", `/v1/enrichments/accounts/${encodeURIComponent(account)}`);
  const { okta }: { okta: { success: boolean; error?: { code: string } } } = await response.json();
  return { status: response.status, okta };
};

const held = ({ state }: StreamStatus): boolean => state === "held";

test("stops both streams and look-ups until the streams are reset", async () => {
  await sync(CONNECTION, "full", "users");
  await sync(CONNECTION, "full", "devices");
  const [person] = (await org.dump()).users;
  const login = String(person?.profile["login"]);
  expect(await lookUp(login)).toMatchObject({ status: 200, okta: { success: true } });

  const other = await createOrg(CONNECTION, { ...SIZE, users: 12, orgId: OTHER_ID });
  for (const stream of ["users", "devices"] as const) {
    await startRun(CONNECTION, "full", stream);
    const { attention, detail, assets } = await until(CONNECTION, held, { stream });
    expect(attention).toMatchObject([{ code: "org_changed", severity: "error" }]);
    expect(detail).toContain(OTHER_ID);
    expect(assets.total).toBe(stream === "users" ? SIZE.users : SIZE.devices);
  }
  // What was cached of the former org is forgotten. For a minute, a look-up may still be answered from memory.
  passTime(61_000);
  await vi.waitFor(async () => {
    expect(await lookUp(login)).toMatchObject({
      status: 503,
      okta: { success: false, error: { code: "org_changed" } },
    });
  }, 20_000);
  passTime(-61_000); // alarms fire by the real clock
  // The events stay readable.
  const events = await call(CONNECTION, "GET", "/v1/inventory/users?after=0");
  expect((await events.text()).trim().split("\n")).toHaveLength(SIZE.users);

  const resetTo = (stream: string, body: unknown) =>
    call(CONNECTION, "POST", `/v1/streams/${stream}/reset`, body);
  const refused = await resetTo("users", { org_id: "00oSOMEBODYELSES" });
  expect(refused.status).toBe(409);
  expect(await refused.json()).toMatchObject({ code: "conflict", detail: expect.stringContaining(OTHER_ID) });
  for (const body of [{}, { org_id: "" }, { org_id: 7 }, { org_id: OTHER_ID, sure: true }]) {
    const wrong = await resetTo("users", body);
    expect(wrong.status).toBe(400);
    expect(await wrong.json()).toMatchObject({ code: "invalid_request" });
  }
  for (const stream of ["users", "devices"] as const) {
    const accepted = await resetTo(stream, { org_id: OTHER_ID });
    expect(accepted.status).toBe(202);
    expect(await accepted.json()).toMatchObject({ kind: "full", cause: "first", state: "running" });
    await untilIdle(CONNECTION, stream);
    expect(await statusOf(CONNECTION, stream)).toMatchObject({
      org_id: OTHER_ID,
      state: "idle",
      attention: [],
    });
  }
  expect((await statusOf(CONNECTION)).assets.total).toBe(12);
  const [colleague] = (await other.dump()).users;
  expect(await lookUp(String(colleague?.profile["login"]))).toMatchObject({
    status: 200,
    okta: { success: true },
  });
});

test("a reset of a stream that has never run names the org that is there", async () => {
  const response = await call(CONNECTION, "POST", "/v1/streams/users/reset", { org_id: OTHER_ID });
  expect(response.status).toBe(409);
  expect(await response.json()).toMatchObject({ detail: expect.stringContaining((await org.dump()).orgId) });
});
