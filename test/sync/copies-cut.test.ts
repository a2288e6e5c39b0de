/** A copy that is cut short in the middle. Time passes here, so alarms fire late by the real clock. */
import { evictDurableObject, reset, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { InventoryStream } from "../../src/sync/inventory-stream.ts";
import { copyDate, devicesCopied, expectedDevices, lookUp } from "../support/copies.ts";
import { createOrg, streamStub, sync } from "../support/org.ts";
import { passTime } from "../support/time.ts";

const CONNECTION = "t12";

afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

/** More than a page. */
const MANY = { users: 12, groups: 3, devices: 1_100, seed: 5 };

test("goes on from its cursor after a kill", async () => {
  const org = await createOrg(CONNECTION, MANY);
  await sync(CONNECTION, "full", "users");
  const original = InventoryStream.prototype.copyPage;
  /** From where pages were asked for that are not the first one. */
  const asked: number[] = [];
  let isCut = true;
  vi.spyOn(InventoryStream.prototype, "copyPage").mockImplementation(function (
    this: InventoryStream,
    after: number,
  ) {
    if (after > 0) asked.push(after);
    return after > 0 && isCut ? Promise.reject(new Error("overloaded")) : original.call(this, after);
  });
  await sync(CONNECTION, "full", "devices");
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  expect(await copyDate(CONNECTION, "users")).toBeNull();
  expect((await lookUp(CONNECTION, (await org.dump()).users[0]?.id ?? "")).extracted).toMatchObject({
    devices: null,
  });
  await evictDurableObject(streamStub(CONNECTION, "users"));
  isCut = false;
  passTime(61_000);
  await runDurableObjectAlarm(streamStub(CONNECTION, "users"));
  await vi.waitFor(async () => expect(await copyDate(CONNECTION, "users")).not.toBeNull());
  const [cut, again, ...others] = asked;
  expect(again).toBe(cut);
  expect(others).toHaveLength(1);
  const dump = await org.dump();
  const ids = dump.users.map(({ id }) => id);
  expect(await devicesCopied(CONNECTION, ids)).toEqual(
    Object.fromEntries(ids.map((id) => [id, expectedDevices(dump, id)])),
  );
});
