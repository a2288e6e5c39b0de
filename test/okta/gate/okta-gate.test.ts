/** The gate as an object: what it keeps over an eviction, and who goes first. */
import { evictDurableObject, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import type { Observation } from "../../../src/okta/gate/ledger.ts";
import type { ExchangeRequest } from "../../../src/okta/gate/okta-gate.ts";

afterEach(() => reset());

const gate = () => env.OKTA_GATE.getByName("t4");

const request = (over: Partial<ExchangeRequest> = {}): ExchangeRequest => ({
  connection: "t4",
  holder: "stream/users",
  incarnation: "1",
  priority: "background",
  observations: [],
  calls: [],
  want: { bucket: "/api/v1/users", count: 20 },
  waitMs: 0,
  done: false,
  ...over,
});

const seen = (over: Partial<Observation> & { remaining?: number } = {}): Observation => {
  const at = Date.now();
  const { remaining = 99, ...rest } = over;
  return {
    bucket: "/api/v1/users",
    reading: { limit: 100, remaining, resetAt: Math.ceil(at / 1000) + 30 },
    resetInMs: 31_000,
    status: 200,
    at,
    ...rest,
  };
};

/** A bucket of 100 with one call of ours in it: 34 more for background work at a share of one half. */
const learned = async () => {
  expect((await gate().exchange(request())).granted).toBe(1);
  return gate().exchange(request({ observations: [seen()], want: { bucket: "/api/v1/users", count: 30 } }));
};

describe("the gate", () => {
  test("keeps its counts over an eviction, which is not a new window", async () => {
    expect((await learned()).granted).toBe(30);
    await evictDurableObject(gate());
    expect((await gate().exchange(request())).granted).toBe(4);
    const used = Array.from({ length: 34 }, (_, call) => seen({ remaining: 98 - call }));
    const { granted, retryAt, reason } = await gate().exchange(request({ observations: used }));
    expect({ granted, reason }).toEqual({ granted: 0, reason: "share" });
    expect(retryAt).toBeGreaterThan(Date.now() + 20_000);
  });

  test("keeps a backoff over an eviction", async () => {
    await learned();
    const refused = await gate().exchange(request({ observations: [seen({ status: 429, remaining: 0 })] }));
    expect(refused).toMatchObject({ granted: 0, reason: "backoff" });
    await evictDurableObject(gate());
    expect((await gate().exchange(request())).granted).toBe(0);
    const [bucket] = await gate().rateLimits(0.5);
    expect(bucket).toMatchObject({ bucket: "/api/v1/users", limit: 100, remaining: 0, share: 0.5 });
    expect(Date.parse(bucket?.backing_off_until ?? "")).toBeGreaterThan(Date.now() + 20_000);
  });

  test("lets callers wait in line until the size of a bucket is known, look-ups first, then delta runs", async () => {
    expect((await gate().exchange(request())).granted).toBe(1);
    const order: string[] = [];
    const wait = (holder: string, priority: ExchangeRequest["priority"]) =>
      gate()
        .exchange(request({ holder, priority, waitMs: 20_000, want: { bucket: "/api/v1/users", count: 5 } }))
        .then(({ granted }) => order.push(`${holder} ${granted}`));
    const waiting = [
      wait("stream/devices", "background"),
      wait("stream/users/delta", "follow"),
      wait("look-up/1", "interactive"),
    ];
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(order).toEqual([]);
    await gate().exchange(request({ want: null, done: true, observations: [seen()] }));
    await Promise.all(waiting);
    expect(order).toEqual(["look-up/1 5", "stream/users/delta 5", "stream/devices 5"]);
  });

  test("lets nobody past a delta run that waits for the same bucket, but look-ups", async () => {
    const stub = gate(); // which delivers calls in order
    expect((await stub.exchange(request())).granted).toBe(1);
    const bucket = "/api/v1/users";
    const delta = stub.exchange(
      request({
        holder: "stream/users/delta",
        priority: "follow",
        waitMs: 20_000,
        want: { bucket, count: 60 },
      }),
    );
    // What tells the size of the bucket comes together with a wish for more of it.
    const sweep = await stub.exchange(request({ observations: [seen()], want: { bucket, count: 5 } }));
    expect(sweep).toMatchObject({ granted: 0, retryAt: expect.any(Number), reason: "in_line" });
    expect((await delta).granted).toBe(39);
    const lookup = request({ holder: "look-up/1", priority: "interactive", want: { bucket, count: 5 } });
    expect((await stub.exchange(lookup)).granted).toBe(5);
  });

  test("grants what is wanted next together with what is wanted now, but not while somebody waits", async () => {
    const bucket = "/api/v1/users";
    const lookup = (holder: string, more: Partial<ExchangeRequest> = {}) =>
      gate().exchange(request({ holder, priority: "interactive", want: { bucket, count: 1 }, ...more }));
    await learned();
    await gate().exchange(request({ want: null, done: true }));
    const ahead = [{ bucket, count: 3 }] as const;
    expect(await lookup("look-up/1", { ahead })).toMatchObject({ granted: 1, ahead });
    // Of the next permits, these are two of five.
    expect(await lookup("look-up/2", { ahead })).toMatchObject({ granted: 1 });
    await lookup("look-up/1", { want: null, done: true });
    expect((await lookup("look-up/3", { ahead })).ahead).toEqual([{ bucket, count: 3 }]);
    await lookup("look-up/3", { want: null, done: true });

    // The size of this one is not known, so the second caller waits for the first one's answer.
    const unknown = { bucket: "/api/v1/groups", count: 1 } as const;
    await lookup("look-up/5", { want: unknown });
    const waiting = lookup("look-up/6", { want: unknown, waitMs: 300 });
    await lookup("look-up/2", { want: null, done: true });
    expect((await lookup("look-up/7", { ahead })).ahead).toBeUndefined();
    await waiting;
  });

  test("never waits longer than asked, nor for a window that opens too late", async () => {
    await learned();
    await gate().exchange(request());
    const started = Date.now();
    expect((await gate().exchange(request({ waitMs: 300 }))).granted).toBe(0);
    // The window is over after half a minute.
    expect(Date.now() - started).toBeLessThan(20_000);
  });
});
