/** KV's daily quotas are used up: look-ups go on, a person hears of it, and nothing is written until they begin anew. */
import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { streamObjectName } from "../../src/contract/objects.ts";
import type { StreamStatus } from "../../src/contract/status.ts";
import { invalidateAccounts } from "../../src/enrichment/cache.ts";
import { InventoryStream } from "../../src/sync/inventory-stream.ts";
import { passTime } from "../support/time.ts";
import { newOrg, type Org, runUsers } from "./support.ts";

const DAY = 86_400_000;
const id = "00uJaneDoe1234567890";
const login = "jane@example.com";

beforeEach(() => {
  for (const method of ["log", "warn", "error"] as const)
    vi.spyOn(console, method).mockImplementation(() => {});
});

afterEach(() => {
  vi.restoreAllMocks();
});

const orgWithJane = async (): Promise<Org> => {
  const org = await newOrg({ limits: "none" });
  await org.user({ id, profile: { login, email: login } });
  return org;
};

const failing = (operation: "get" | "put") =>
  vi.spyOn(env.ENRICHMENT_CACHE, operation).mockImplementation(() => {
    throw new Error(`KV ${operation}() limit exceeded for the day.`);
  });

const streamOf = ({ connection }: Org) =>
  env.INVENTORY_STREAM.getByName(streamObjectName({ connection, stream: "users" }));

const quotaIn = async (org: Org): Promise<StreamStatus["attention"][number] | undefined> => {
  const response = await org.request("GET", "/v1/streams/users");
  const { attention }: StreamStatus = await response.json();
  return attention.find(({ code }) => code === "quota_exhausted");
};

it("no more writes: look-ups are answered, the attention says what is used up, and it is tried again the next day", async () => {
  const org = await orgWithJane();
  const told = vi.spyOn(InventoryStream.prototype, "quotaSpent");
  const put = failing("put");
  expect((await org.ask(login)).okta).toMatchObject({ found: true, cached: false });
  const tried = put.mock.calls.length;
  expect(tried).toBeGreaterThan(0);
  // The entry and its alias were under way together.
  expect(tried).toBeLessThanOrEqual(2);
  for (let again = 0; again < 5; again++) {
    expect((await org.ask(login, "?refresh=true")).okta).toMatchObject({ found: true, cached: false });
  }
  expect(put).toHaveBeenCalledTimes(tried);
  expect(told).toHaveBeenCalledTimes(1);

  await vi.waitFor(async () => expect(await quotaIn(org)).toMatchObject({ severity: "error" }));
  const need = await quotaIn(org);
  expect(need?.detail).toContain("Writes to KV");
  expect(need?.detail).toContain("00:00:00 UTC");
  // Whoever has told does not tell again, so the stream must not forget it.
  await evictDurableObject(streamOf(org));
  expect(await quotaIn(org)).toEqual(need);

  put.mockRestore();
  passTime(DAY - (Date.now() % DAY) - 1_000);
  await org.ask(login, "?refresh=true");
  expect(await org.cached()).toEqual([]);
  passTime(1_000);
  expect(await quotaIn(org)).toBeUndefined();
  await org.ask(login, "?refresh=true");
  expect((await org.cached()).map(({ key }) => key)).toContain(`user/${id}`);
});

it("no more reads: look-ups are answered by Okta, are still written, and the attention names the reads", async () => {
  const org = await orgWithJane();
  const get = failing("get");
  expect((await org.ask(login)).okta).toMatchObject({ found: true, cached: false });
  await vi.waitFor(async () => expect((await quotaIn(org))?.detail).toContain("Reads of KV"));
  get.mockRestore();
  passTime(61_000);
  expect((await org.ask(login)).okta).toMatchObject({ found: true, cached: true });
});

it("other failures of KV are no quota, and every write is tried", async () => {
  const org = await orgWithJane();
  const put = vi.spyOn(env.ENRICHMENT_CACHE, "put").mockRejectedValue(new Error("KV PUT failed: 500"));
  await org.ask(login);
  const tried = put.mock.calls.length;
  await org.ask(login, "?refresh=true");
  expect(put.mock.calls.length).toBe(2 * tried);
  expect(await quotaIn(org)).toBeUndefined();
});

it("a run that cannot forget look-ups because of it tells of it as well", async () => {
  const org = await orgWithJane();
  await runUsers(org, "full");
  await org.ask(login);
  await org.control("POST", `/users/${id}/suspend`);
  const put = failing("put");
  await runUsers(org, "delta");
  await vi.waitFor(async () => expect((await quotaIn(org))?.detail).toContain("Writes to KV"));
  put.mockRestore();
  const spent = vi.fn();
  await invalidateAccounts(env.ENRICHMENT_CACHE, org.connection, [id], Date.now(), spent);
  expect(spent).not.toHaveBeenCalled();
});
