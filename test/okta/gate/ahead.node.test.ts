/** Permits that an interactive caller takes ahead of need: how few requests it makes, and that it keeps back nobody. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Bucket, Endpoint } from "../../../src/okta/endpoints.ts";
import { checkIn } from "../../../src/okta/gate/holders.ts";
import { grant, grantAhead, observe } from "../../../src/okta/gate/ledger.ts";
import { emptyLedger, type Ledger } from "../../../src/okta/gate/ledger-state.ts";
import type { BucketCount, ExchangeAnswer, ExchangeRequest } from "../../../src/okta/gate/okta-gate.ts";
import { Permits, type PermitsOptions } from "../../../src/okta/gate/permits.ts";
import { examples } from "../../support/seeds.ts";

const USER = "GET /api/v1/users/{id}";
const GROUPS = "GET /api/v1/users/{id}/groups";
const ROLES = "GET /api/v1/users/{id}/roles";
const FACTORS = "GET /api/v1/users/{id}/factors";
const SEARCH = "GET /api/v1/users";
const AHEAD: readonly Endpoint[] = [GROUPS, ROLES, FACTORS];
const T0 = 1_760_000_000_000;
const ok = { reading: null, resetInMs: null, status: 200, at: T0 };

type Answer = (request: ExchangeRequest) => Promise<ExchangeAnswer> | ExchangeAnswer;

const purse = (answer: Answer, options: Partial<PermitsOptions> = {}) => {
  const requests: ExchangeRequest[] = [];
  const clock = { now: T0 };
  const permits = new Permits({
    gate: {
      exchange: async (request) => {
        requests.push(request);
        return answer(request);
      },
    },
    connection: "default",
    holder: "look-up/1",
    priority: "interactive",
    batch: 1,
    waitMs: 8_000,
    callMs: 8_000,
    ahead: AHEAD,
    now: () => clock.now,
    ...options,
  });
  const call = async (endpoint: Endpoint) => {
    const permit = await permits.take(endpoint);
    if (permit.granted) permits.report(endpoint, "ok", ok, 5);
    return permit;
  };
  return { permits, requests, clock, call };
};

/** Grants all that is asked for. */
const all: Answer = ({ want, ahead = [] }) => ({
  granted: want?.count ?? 0,
  retryAt: null,
  waitedMs: 0,
  ahead,
});
/** Grants what is wanted, and knows nothing of `ahead`: a gate of the version before. */
const former: Answer = ({ want }) => ({ granted: want?.count ?? 0, retryAt: null });

const wantsOf = (requests: readonly ExchangeRequest[]) => requests.map(({ want }) => want);

describe("a look-up's purse", () => {
  test("asks for all its permits in one request, and ends with another", async () => {
    const { permits, requests, call } = purse(all);
    await call(USER);
    await Promise.all(AHEAD.map(call));
    await permits.done();
    expect(wantsOf(requests)).toEqual([{ bucket: "/api/v1/users/{id}", count: 1 }, null]);
    expect(requests[0]?.ahead).toEqual([
      { bucket: "/api/v1", count: 2 },
      { bucket: "/api/v1/users", count: 1 },
    ]);
    expect(requests[1]).toMatchObject({ done: true, observations: { length: 4 } });
  });

  test("asks once for each bucket where a gate grants nothing ahead", async () => {
    const { permits, requests, call } = purse(former);
    await call(USER);
    await Promise.all(AHEAD.map(call));
    await permits.done();
    expect(wantsOf(requests)).toEqual([
      { bucket: "/api/v1/users/{id}", count: 1 },
      { bucket: "/api/v1", count: 2 },
      { bucket: "/api/v1/users", count: 1 },
      null,
    ]);
    expect(requests.slice(1).every(({ ahead }) => ahead === undefined)).toBe(true);
  });

  test("gives back what it did not use, because nobody had the name", async () => {
    const { permits, requests, call } = purse(all);
    await call(USER);
    await call(SEARCH);
    await permits.done();
    expect(requests.map(({ done, observations }) => [done, observations.length])).toEqual([
      [false, 0],
      [true, 2],
    ]);
  });

  test("does not use permits that have become too old, but gives them back", async () => {
    const { requests, call, clock } = purse(all);
    await call(USER);
    clock.now += 5_001;
    await call(FACTORS);
    expect(requests[1]?.observations.map(({ bucket, status }) => [bucket, status])).toEqual([
      ["/api/v1/users/{id}", 200],
      ["/api/v1", 0],
      ["/api/v1", 0],
      ["/api/v1/users", 0],
    ]);
  });

  test("tells what it has learned while it waits in line for a permit that this may free", async () => {
    let learned: (() => void) | null = null;
    // Of a bucket of unknown size there is one permit, until its answer has come in.
    const { requests, permits, call } = purse((request) => {
      if (request.observations.some(({ bucket }) => bucket === "/api/v1")) learned?.();
      if (request.want?.bucket !== "/api/v1") return former(request);
      if (requests.filter(({ want }) => want?.bucket === "/api/v1").length === 1)
        return { granted: 1, retryAt: null };
      return new Promise((resolve) => {
        learned = () => resolve({ granted: 1, retryAt: null, waitedMs: 10 });
      });
    });
    await call(USER);
    await permits.take(GROUPS);
    const roles = permits.take(ROLES);
    await new Promise((resolve) => setTimeout(resolve, 5));
    permits.report(GROUPS, "ok", ok, 5);
    expect(await roles).toEqual({ granted: true });
  });

  test("reports each call at once where it has stood in line, so that others have the permit", async () => {
    const { permits, requests, call } = purse(
      (request) => ({ ...former(request), waitedMs: 5 }) as ExchangeAnswer,
    );
    await call(USER);
    await Promise.all([GROUPS, ROLES, FACTORS].map((endpoint) => permits.take(endpoint as Endpoint)));
    const asked = requests.length;
    for (const endpoint of [GROUPS, ROLES] as const) permits.report(endpoint, "ok", ok, 5);
    expect(requests.slice(asked)).toMatchObject(
      [1, 2].map(() => ({ want: null, done: false, observations: [{}] })),
    );
    permits.report(FACTORS, "ok", ok, 5);
    await permits.done();
    expect(requests.slice(asked + 2)).toMatchObject([{ done: true, observations: [{}] }]);
  });

  test("does not wait for one bucket because of another", async () => {
    const { call, permits } = purse((request) =>
      request.want?.bucket === "/api/v1" ? new Promise(() => {}) : former(request),
    );
    await call(USER);
    void permits.take(GROUPS);
    expect(await call(FACTORS)).toEqual({ granted: true });
  });

  test("takes a refusal for all that it has asked for in one request", async () => {
    const refused: ExchangeAnswer = { granted: 0, retryAt: T0 + 500, reason: "share" };
    const { call, requests } = purse((request) =>
      request.want?.bucket === "/api/v1" ? refused : former(request),
    );
    await call(USER);
    const answers = await Promise.all([GROUPS, ROLES].map((endpoint) => call(endpoint as Endpoint)));
    expect(answers).toEqual([1, 2].map(() => ({ granted: false, retryAt: T0 + 500, reason: "share" })));
    expect(requests).toHaveLength(2);
  });

  test("waits in line no longer than the look-up may take", async () => {
    const { call, requests, clock } = purse(former, { waitUntil: T0 + 8_000 });
    await call(USER);
    clock.now += 7_000;
    await call(FACTORS);
    clock.now += 2_000;
    await call(GROUPS);
    expect(requests.map(({ waitMs }) => waitMs)).toEqual([8_000, 1_000, 0]);
  });

  test("after a failed report uses nothing that was granted to its former incarnation", async () => {
    let grantLater: (answer: ExchangeAnswer) => void = () => {};
    const { requests, permits, call } = purse((request) => {
      if (request.want === null) throw new Error("restarted");
      if (request.want.bucket !== "/api/v1" || requests.length < 3) return former(request);
      return new Promise((resolve) => {
        grantLater = resolve;
      });
    });
    await call(USER);
    await permits.take(GROUPS); // of two
    await permits.take(ROLES);
    const page = permits.take(GROUPS);
    await new Promise((resolve) => setTimeout(resolve, 5));
    permits.report(GROUPS, "ok", ok, 5); // this report is lost
    await new Promise((resolve) => setTimeout(resolve, 5));
    grantLater({ granted: 1, retryAt: null });
    expect(await page).toMatchObject({ granted: false });
    expect(new Set(requests.map(({ incarnation }) => incarnation)).size).toBe(1);
  });
});

describe("permits ahead", () => {
  const known = (...buckets: Bucket[]): Ledger => {
    const ledger = emptyLedger();
    for (const bucket of buckets) {
      checkIn(ledger, { name: "first", incarnation: "1", priority: "interactive" }, T0);
      grant(ledger, { holder: "first", bucket, want: 1, priority: "interactive" }, 0.5, T0);
      const reading = { limit: 100, remaining: 99, resetAt: T0 / 1000 + 30 };
      observe(
        ledger,
        "first",
        { bucket, reading, resetInMs: 31_000, status: 200, at: T0, sentAt: T0 },
        () => 0.5,
      );
    }
    return ledger;
  };
  const outOf = (ledger: Ledger): number =>
    Object.values(ledger.holders).reduce(
      (sum, { out }) => sum + Object.values(out).reduce((a, b) => a + b, 0),
      0,
    );

  test.each(["follow", "background"] as const)("are not for %s work", (priority) => {
    const ledger = known("/api/v1/users");
    checkIn(ledger, { name: "run", incarnation: "1", priority }, T0);
    expect(grantAhead(ledger, { holder: "run", bucket: "/api/v1/users", want: 3, priority }, 0.5, T0)).toBe(
      0,
    );
  });

  test("never exceed the share, and leave others room for calls that could be made now", () => {
    const ask = fc.record({
      holder: fc.integer({ min: 0, max: 8 }),
      bucket: fc.constantFrom<Bucket>("/api/v1/users", "/api/v1"),
      count: fc.integer({ min: 1, max: 6 }),
      ahead: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(ask, { maxLength: 40 }), (asks) => {
        const ledger = known("/api/v1/users", "/api/v1");
        for (const { holder: index, bucket, count, ahead } of asks) {
          const holder = `look-up/${index}`;
          checkIn(ledger, { name: holder, incarnation: "1", priority: "interactive" }, T0);
          const before = outOf(ledger);
          const request = { holder, bucket, want: count, priority: "interactive" } as const;
          if (ahead) {
            const granted = grantAhead(ledger, request, 0.5, T0);
            expect(outOf(ledger)).toBe(before + granted);
            if (granted > 0) expect(outOf(ledger)).toBeLessThanOrEqual(5);
          } else grant(ledger, { ...request, want: 1 }, 0.5, T0);
          const out: BucketCount[] = (["/api/v1/users", "/api/v1"] as const).map((each) => ({
            bucket: each,
            count: Object.values(ledger.holders).reduce((sum, { out: held }) => sum + (held[each] ?? 0), 0),
          }));
          for (const { count: held } of out) expect(held + 1).toBeLessThanOrEqual(50);
        }
      }),
      examples(100),
    );
  });
});
