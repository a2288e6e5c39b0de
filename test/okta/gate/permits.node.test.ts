import { describe, expect, test } from "vitest";
import type { ExchangeAnswer, ExchangeRequest } from "../../../src/okta/gate/okta-gate.ts";
import { Permits, type PermitsOptions } from "../../../src/okta/gate/permits.ts";

const FACTORS = "GET /api/v1/users/{id}/factors";
const GROUPS = "GET /api/v1/groups";
const T0 = 1_760_000_000_000;

/** A gate with the given answers, in order; the last one stays. */
const purse = (answers: readonly (ExchangeAnswer | Error)[], options: Partial<PermitsOptions> = {}) => {
  const requests: ExchangeRequest[] = [];
  const clock = { now: T0 };
  const gate = {
    exchange: async (request: ExchangeRequest): Promise<ExchangeAnswer> => {
      const answer = answers[Math.min(requests.length, answers.length - 1)];
      requests.push(request);
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error("no answer");
      return answer;
    },
  };
  const permits = new Permits({
    gate,
    connection: "default",
    holder: "stream/users",
    priority: "background",
    batch: 20,
    waitMs: 0,
    callMs: 30_000,
    now: () => clock.now,
    ...options,
  });
  return { permits, requests, clock };
};

const twenty: ExchangeAnswer = { granted: 20, retryAt: null };
const none: ExchangeAnswer = { granted: 0, retryAt: T0 + 500, reason: "share" };
/** A while in which whatever need not wait goes on. */
const passed = () => new Promise((resolve) => setTimeout(() => resolve("passed"), 5));
const ok = { reading: null, resetInMs: null, status: 200, at: T0 };

describe("a purse of permits", () => {
  test("costs one round trip per batch, and reports what was learned with the next", async () => {
    const { permits, requests } = purse([twenty]);
    for (let call = 0; call < 21; call++) {
      expect(await permits.take(FACTORS)).toEqual({ granted: true });
      permits.report(FACTORS, "ok", ok, 5);
    }
    expect(requests).toHaveLength(2);
    expect(requests[0]).toMatchObject({
      want: { bucket: "/api/v1/users", count: 20 },
      observations: [],
      done: false,
    });
    expect(requests[1]?.observations).toHaveLength(20);
    expect(requests[1]?.observations[0]).toEqual({ bucket: "/api/v1/users", ...ok });
    expect(requests[1]?.calls).toMatchObject([{ endpoint: FACTORS, outcome: "ok", count: 20 }]);
  });

  test("asks once for callers that ask at the same time", async () => {
    const { permits, requests } = purse([twenty]);
    const taken = await Promise.all(Array.from({ length: 6 }, () => permits.take(FACTORS)));
    expect(taken.every(({ granted }) => granted)).toBe(true);
    expect(requests).toHaveLength(1);
  });

  test("keeps buckets apart", async () => {
    const { permits, requests } = purse([twenty]);
    await permits.take(FACTORS);
    await permits.take(GROUPS);
    expect(requests.map(({ want }) => want?.bucket)).toEqual(["/api/v1/users", "/api/v1/groups"]);
  });

  test("does not know why there is none if the gate is of a version that does not tell", async () => {
    const { permits } = purse([{ granted: 0, retryAt: T0 + 500 }]);
    expect(await permits.take(FACTORS)).toEqual({ granted: false, retryAt: T0 + 500, reason: null });
  });

  test("says when to ask again when there is none, and why", async () => {
    const { permits } = purse([none]);
    expect(await permits.take(FACTORS)).toEqual({ granted: false, retryAt: T0 + 500, reason: "share" });
  });

  test.each(["background", "follow"] as const)(
    "%s work waits for its own calls before it gives up: their answers may free permits",
    async (priority) => {
      const { permits } = purse([{ granted: 1, retryAt: null }, none, twenty], { priority });
      await permits.take(FACTORS);
      const second = permits.take(FACTORS);
      await new Promise((resolve) => setTimeout(resolve, 5));
      permits.report(FACTORS, "ok", ok, 5);
      expect(await second).toEqual({ granted: true });
    },
  );

  test("delta runs do not stand in line, where a gate of the version before would forget them", async () => {
    const waits: number[] = [];
    for (const priority of ["interactive", "follow", "background"] as const) {
      const { permits, requests } = purse([twenty], { priority, waitMs: 5_000 });
      await permits.take(FACTORS);
      waits.push(...requests.map(({ waitMs }) => waitMs));
    }
    expect(waits).toEqual([5_000, 0, 5_000]);
  });

  test("look-ups do not: they say at once when to come back", async () => {
    const { permits } = purse([{ granted: 1, retryAt: null }, none], { priority: "interactive" });
    await permits.take(FACTORS);
    expect(await permits.take(FACTORS)).toEqual({ granted: false, retryAt: T0 + 500, reason: "share" });
  });

  test.each([
    ["background", 20_000],
    ["follow", 20_000],
    ["interactive", 5_000],
  ] as const)(
    "of %s work uses no permit later than %d ms after it was granted, but gives it back",
    async (priority, leaseMs) => {
      const { permits, requests, clock } = purse([twenty], { priority });
      await permits.take(FACTORS);
      clock.now += leaseMs;
      await permits.take(FACTORS);
      expect(requests).toHaveLength(1);
      clock.now += 1;
      await permits.take(FACTORS);
      expect(requests).toHaveLength(2);
      const unsent = { bucket: "/api/v1/users", reading: null, resetInMs: null, status: 0, at: clock.now };
      expect(requests[1]?.observations).toEqual(Array.from({ length: 18 }, () => unsent));
    },
  );

  test("tells the gate after which silence its calls have ended", async () => {
    const { permits, requests } = purse([twenty], { callMs: 8_000, priority: "interactive" });
    await permits.take(FACTORS);
    expect(requests[0]?.goneAfterMs).toBe(13_000);
  });

  test.each([
    ["from when it was granted in line", { ...twenty, waitedMs: 6_000 }, 1],
    ["from when it was asked for, if the answer was late", { ...twenty, waitedMs: 0 }, 2],
    ["from when it came, if the gate does not tell", twenty, 1],
  ])("counts the age of a permit %s", async (_, answer, exchanges) => {
    const { permits, requests, clock } = purse([answer, twenty], { priority: "interactive" });
    const taken = permits.take(FACTORS);
    clock.now += 6_000;
    await taken;
    expect(requests).toHaveLength(exchanges);
  });

  test("in a new incarnation, speaks with the gate only after the calls of the old one have ended", async () => {
    const { permits, requests } = purse([twenty, new Error("restarted"), twenty], {
      priority: "interactive",
    });
    await permits.take(FACTORS);
    expect(await permits.take(GROUPS)).toEqual({ granted: false, retryAt: T0 + 1000, reason: null });
    const later = permits.take(FACTORS);
    await passed();
    expect(requests).toHaveLength(2);
    permits.report(FACTORS, "ok", ok, 5);
    expect(await later).toEqual({ granted: true });
    expect(requests).toHaveLength(3);
  });

  test("reports again what a gate that failed may not have booked", async () => {
    const { permits, requests } = purse([{ granted: 1, retryAt: null }, new Error("restarted"), twenty]);
    await permits.take(FACTORS);
    permits.report(FACTORS, "ok", ok, 5);
    expect(await permits.take(FACTORS)).toEqual({ granted: false, retryAt: T0 + 1000, reason: null });
    await permits.take(FACTORS);
    const seen = { bucket: "/api/v1/users", ...ok };
    expect(requests.map(({ observations }) => observations)).toEqual([
      [],
      [seen],
      [{ ...seen, repeated: true }],
    ]);
  });

  test("takes a new incarnation after a failed exchange, which the gate may have booked all the same", async () => {
    const { permits, requests } = purse([twenty, new Error("restarted"), twenty]);
    await permits.take(FACTORS);
    permits.report(FACTORS, "ok", ok, 5);
    expect(await permits.take(GROUPS)).toEqual({ granted: false, retryAt: T0 + 1000, reason: null });
    await permits.take(FACTORS);
    const lives = requests.map(({ incarnation }) => incarnation);
    expect(lives).toEqual([lives[0], lives[0], expect.not.stringMatching(`^${lives[0]}$`)]);
    expect(requests[2]?.want).toEqual({ bucket: "/api/v1/users", count: 20 });
  });

  test("gives back at the end, but not before the last call has come in", async () => {
    const { permits, requests } = purse([twenty]);
    await permits.take(FACTORS);
    const done = permits.done();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(requests).toHaveLength(1);
    permits.report(FACTORS, "ok", ok, 5);
    await done;
    expect(requests[1]).toMatchObject({
      want: null,
      done: true,
      observations: [{ bucket: "/api/v1/users" }],
    });
  });
});
