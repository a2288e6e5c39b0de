import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Bucket } from "../../../src/okta/endpoints.ts";
import { checkIn, release } from "../../../src/okta/gate/holders.ts";
import { grant, type Observation, observe } from "../../../src/okta/gate/ledger.ts";
import { emptyLedger, type Ledger, type Priority } from "../../../src/okta/gate/ledger-state.ts";
import { examples } from "../../support/seeds.ts";
import { Simulation, type Step, type TrueBucket, type World } from "./simulation.ts";

const USERS = "/api/v1/users";
const REST = "/api/v1";
const T0 = 1_760_000_000_000;
/** The window that everything below happens in ends here: 30 s after T0. */
const RESET = T0 / 1000 + 30;

const ask = (
  ledger: Ledger,
  want: number,
  {
    holder = "stream/users",
    bucket = USERS as Bucket,
    priority = "background" as Priority,
    at = T0,
    share = 0.5,
  } = {},
) => {
  checkIn(ledger, { name: holder, incarnation: "1", priority }, at);
  return grant(ledger, { holder, bucket, want, priority }, share, at);
};

const answered = (
  over: Partial<Observation> & { remaining?: number; limit?: number; resetAt?: number } = {},
): Observation => {
  const { remaining = 599, limit = 600, resetAt = RESET, at = T0, ...rest } = over;
  return {
    bucket: USERS,
    reading: { limit, remaining, resetAt },
    resetInMs: resetAt * 1000 - at + 1000,
    status: 200,
    at,
    ...rest,
  };
};

const unanswered = (at = T0): Observation => ({
  bucket: USERS,
  reading: null,
  resetInMs: null,
  status: null,
  at,
});

const book = (ledger: Ledger, observation: Observation, holder = "stream/users", random = () => 0.5): void =>
  observe(ledger, holder, observation, random);

/** A ledger that knows a bucket of 600 with one call of ours in its window. */
const knowing = (over: Parameters<typeof answered>[0] = {}): Ledger => {
  const ledger = emptyLedger();
  ask(ledger, 1, { bucket: over.bucket ?? USERS });
  book(ledger, answered(over));
  return ledger;
};

describe("how much is granted", () => {
  test("a bucket that nobody knows gets one call at a time", () => {
    const ledger = emptyLedger();
    expect(ask(ledger, 20)).toEqual({ granted: 1, retryAt: null });
    expect(ask(ledger, 20)).toEqual({ granted: 0, retryAt: T0 + 100 });
  });

  test("background work leaves a tenth of the share to delta runs, both a fifth to look-ups, and all stay within it", () => {
    const ledger = knowing();
    expect(ask(ledger, 1000).granted).toBe(209);
    expect(ask(ledger, 1).granted).toBe(0);
    const delta = { holder: "stream/users/delta", priority: "follow" as const };
    expect(ask(ledger, 1000, delta).granted).toBe(30);
    expect(ask(ledger, 1, delta).granted).toBe(0);
    const lookup = { holder: "look-up/1", priority: "interactive" as const };
    expect(ask(ledger, 1000, lookup).granted).toBe(60);
    expect(ask(ledger, 1, lookup)).toEqual({ granted: 0, retryAt: expect.any(Number) });
  });

  test("what other applications use comes off, and a twentieth of the limit stays theirs", () => {
    // 100 are left of 600; 30 of them stay untouched.
    expect(ask(knowing({ remaining: 100 }), 1000).granted).toBe(70);
    expect(ask(knowing({ remaining: 30 }), 1000)).toEqual({ granted: 0, retryAt: T0 + 31_000 });
  });

  test.each([
    [0.1, 42],
    [0.5, 210],
    [1, 420],
  ])("with a share of %d, background work gets %d of 600", (share, allowed) => {
    expect(ask(knowing(), 1000, { share }).granted).toBe(Math.min(allowed - 1, 569));
  });

  test("a new window gives it all again, less the permits that are still out", () => {
    const ledger = knowing();
    expect(ask(ledger, 100).granted).toBe(100);
    expect(ask(ledger, 1000, { at: T0 + 31_000 }).granted).toBe(110);
  });

  test("a call that landed in the next window counts there", () => {
    const ledger = knowing();
    ask(ledger, 10);
    for (let call = 0; call < 10; call++)
      book(ledger, answered({ at: T0 + 31_500, resetAt: RESET + 60, remaining: 590 + call }));
    expect(ask(ledger, 1000, { at: T0 + 32_000 }).granted).toBe(200);
  });

  test("what a holder gives back is free again", () => {
    const ledger = knowing();
    ask(ledger, 1000);
    release(ledger, "stream/users");
    expect(ask(ledger, 1000).granted).toBe(209);
  });

  test("look-ups never have more than a dozen calls under way beyond what one may take at once", () => {
    const ledger = knowing();
    const lookup = (n: number) => ask(ledger, 1, { holder: `look-up/${n}`, priority: "interactive" }).granted;
    expect(Array.from({ length: 14 }, (_, n) => lookup(n)).reduce((a, b) => a + b)).toBe(12);
  });
});

describe("permits of those that are gone", () => {
  test("a restarted holder's permits count as used, in this window and in the next", () => {
    const ledger = knowing();
    ask(ledger, 100);
    checkIn(ledger, { name: "stream/users", incarnation: "2", priority: "background" }, T0 + 1000);
    const again = (at: number) =>
      grant(ledger, { holder: "stream/users", bucket: USERS, want: 0, priority: "background" }, 0.5, at);
    expect(again(T0 + 1000).granted).toBe(0);
    expect(ask(ledger, 1000, { holder: "stream/devices", at: T0 + 1000 }).granted).toBe(109);
    release(ledger, "stream/devices");
    expect(ask(ledger, 1000, { holder: "stream/devices", at: T0 + 32_000 }).granted).toBe(110);
  });

  test("and are forgotten once no window can hold them, so that nothing stalls for good", () => {
    const ledger = knowing();
    for (let life = 2; life < 9; life++) {
      ask(ledger, 1000, { at: T0 + 40_000 });
      checkIn(
        ledger,
        { name: "stream/users", incarnation: String(life), priority: "background" },
        T0 + 40_000,
      );
    }
    expect(ask(ledger, 1000, { holder: "a", at: T0 + 41_000 }).granted).toBe(0);
    expect(ask(ledger, 1000, { holder: "a", at: T0 + 106_000 }).granted).toBe(210);
  });

  test("a holder that says nothing for a minute and a half is gone", () => {
    const ledger = knowing();
    ask(ledger, 1000, { holder: "look-up/1" });
    expect(ask(ledger, 1000, { at: T0 + 80_000 }).granted).toBe(1);
    expect(ask(ledger, 1000, { at: T0 + 91_000 }).granted).toBe(0); // it may have used them just now
    expect(ask(ledger, 1000, { at: T0 + 160_000 }).granted).toBe(209);
  });

  test("a call without an answer counts in this window and in the next", () => {
    const ledger = knowing();
    ask(ledger, 5);
    for (let call = 0; call < 5; call++) book(ledger, unanswered());
    expect(ask(ledger, 1000).granted).toBe(204);
    release(ledger, "stream/users");
    expect(ask(ledger, 1000, { at: T0 + 32_000 }).granted).toBe(205);
  });

  test("also when an answer of an earlier window is reported after it", () => {
    const ledger = knowing();
    ask(ledger, 2, { at: T0 + 89_000 });
    book(ledger, unanswered(T0 + 92_000));
    // This one landed in the window before that of the lost call, of which nothing was known until now.
    book(ledger, answered({ at: T0 + 89_000, resetAt: RESET + 60 }));
    expect(ask(ledger, 1000, { at: T0 + 92_500 }).granted).toBe(209);
  });

  test("a call that did not go out does not count", () => {
    const ledger = knowing();
    ask(ledger, 1);
    book(ledger, { ...unanswered(), status: 0 });
    expect(ask(ledger, 1000).granted).toBe(209);
  });
});

describe("429", () => {
  test("a full window is waited for until it surely is over, and each time a little longer", () => {
    const ledger = knowing();
    ask(ledger, 2);
    book(ledger, answered({ status: 429, remaining: 0 }));
    expect(ask(ledger, 1)).toEqual({ granted: 0, retryAt: T0 + 31_000 + 250 });
    book(ledger, answered({ status: 429, remaining: 0 }));
    expect(ask(ledger, 1)).toEqual({ granted: 0, retryAt: T0 + 31_000 + 500 });
    expect(ask(ledger, 1, { at: T0 + 32_000 }).granted).toBe(1);
  });

  test("too many at once (limit 0, remaining 0) is a short pause for every bucket; its reset means nothing", () => {
    const ledger = knowing();
    ask(ledger, 1, { bucket: REST });
    const crowded = {
      reading: { limit: 0, remaining: 0, resetAt: RESET + 180 },
      resetInMs: 211_000,
      status: 429,
    };
    book(ledger, { ...answered(), ...crowded });
    for (const bucket of [USERS, REST] as const) {
      expect(ask(ledger, 1, { bucket })).toEqual({ granted: 0, retryAt: T0 + 250 + 500 });
    }
    expect(ask(ledger, 1, { at: T0 + 800 }).granted).toBe(1);
    expect(ledger.buckets[USERS]?.limit).toBe(600);
  });

  test("a 429 without headers is waited out for seconds", () => {
    const ledger = knowing();
    book(ledger, { ...unanswered(), status: 429 });
    expect(ask(ledger, 1)).toEqual({ granted: 0, retryAt: T0 + 2000 });
  });
});

describe("an org that sends no rate-limit headers", () => {
  test("gets a few calls at once, and no more than one before anything was answered", () => {
    const ledger = emptyLedger();
    ask(ledger, 1);
    book(ledger, { ...unanswered(), status: 200 });
    expect(ask(ledger, 100).granted).toBe(6);
    expect(ask(ledger, 100).granted).toBe(0);
  });

  test.each([
    [0.5, 6],
    [0.25, 2],
    [0.01, 1],
  ])(
    "that never answers gets no more a minute than a share of %d of the smallest bucket, all paths together: %d",
    (share, allowed) => {
      const ledger = emptyLedger();
      let granted = 0;
      for (let at = T0; at < T0 + 60_000; at += 500) {
        for (const bucket of [USERS, REST] as const) {
          const { granted: one } = ask(ledger, 1, { at, bucket, share });
          granted += one;
          if (one > 0) book(ledger, { ...unanswered(at), bucket });
        }
      }
      expect(granted).toBe(allowed);
      expect(ask(ledger, 1, { at: T0 + 75_000, share }).granted).toBe(1);
    },
  );
});

describe("endpoints that may share a bucket", () => {
  const both = (
    users: Partial<Parameters<typeof answered>[0]>,
    rest: Partial<Parameters<typeof answered>[0]>,
  ) => {
    const ledger = emptyLedger();
    ask(ledger, 1);
    ask(ledger, 1, { bucket: REST, holder: "b" });
    book(ledger, answered(users));
    book(ledger, answered({ bucket: REST, ...rest }), "b");
    return ledger;
  };

  test("two of the same limit and window are taken for one", () => {
    const ledger = both({ remaining: 599 }, { remaining: 598 });
    ask(ledger, 100, { bucket: REST });
    expect(ask(ledger, 1000).granted).toBe(210 - 102);
  });

  test("also when only one of them has been seen in the present window", () => {
    const ledger = both({ remaining: 599 }, { remaining: 598 });
    const at = T0 + 32_000;
    ask(ledger, 1000, { at });
    expect(ask(ledger, 1000, { bucket: REST, at }).granted).toBe(0);
  });

  test("less used up than our calls to both proves two buckets", () => {
    const ledger = both({ remaining: 599 }, { remaining: 599 });
    ask(ledger, 100, { bucket: REST });
    expect(ask(ledger, 1000).granted).toBe(209);
  });

  test("an answer that names a later window while the other is open proves two buckets", () => {
    const ledger = both({ remaining: 599 }, { remaining: 598, resetAt: RESET + 20 });
    ask(ledger, 100, { bucket: REST });
    expect(ask(ledger, 1000).granted).toBe(209);
  });

  test("permits that vanished prove nothing", () => {
    const ledger = both({ remaining: 599 }, { remaining: 598 });
    ask(ledger, 50);
    checkIn(ledger, { name: "stream/users", incarnation: "2", priority: "background" }, T0);
    book(ledger, answered({ bucket: REST, remaining: 597 }), "b");
    expect(ask(ledger, 1000, { bucket: REST, holder: "b" }).granted).toBe(210 - 53);
  });

  test("another limit is another bucket", () => {
    const ledger = both({}, { limit: 500, remaining: 499 });
    ask(ledger, 1000, { bucket: REST });
    expect(ask(ledger, 1000).granted).toBe(209);
  });

  test("a bucket of unknown size waits while a known one that it may be is used up", () => {
    const ledger = knowing();
    for (let call = 0; call < 209; call++) {
      ask(ledger, 1);
      book(ledger, answered({ remaining: 598 - call }));
    }
    expect(ask(ledger, 1, { bucket: REST, holder: "b" })).toEqual({ granted: 0, retryAt: T0 + 31_000 });
  });
});

const trueBucket: fc.Arbitrary<TrueBucket> = fc.record({
  limit: fc.constantFrom(20, 60, 100, 600),
  windowMs: fc.constantFrom(3000, 60_000),
  phaseMs: fc.integer({ min: 0, max: 59_999 }),
  others: fc.constantFrom(0, 0, 0, 3, 60),
});

const OURS = [USERS, REST, "/api/v1/groups"] as const;

/** Worlds where each of our buckets is one of Okta's, and worlds where some of ours are the same one of Okta's. */
const world: fc.Arbitrary<World> = fc.record({
  drains: fc
    .record({
      buckets: fc.tuple(trueBucket, trueBucket, trueBucket),
      which: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)),
    })
    .map(({ buckets, which }): World["drains"] =>
      Object.fromEntries(OURS.map((bucket, index) => [bucket, buckets[which[index] ?? 0] ?? buckets[0]])),
    ),
  share: fc.constantFrom(0.25, 0.5, 1),
  skewMs: fc.integer({ min: -3_600_000, max: 3_600_000 }),
});

const place = { holder: fc.nat(4), bucket: fc.nat(2) };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("ask" as const),
      ...place,
      want: fc.integer({ min: 1, max: 40 }),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("call" as const),
      ...place,
      calls: fc.integer({ min: 1, max: 40 }),
      latencyMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 30_000 })),
      answered: fc.nat(9).map((n) => n > 0),
      lands: fc.nat(9).map((n) => n > 0),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 300, max: 20_000 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const), holder: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("unheard" as const), holder: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("done" as const), holder: fc.nat(4) }) },
);
const steps = fc.array(step, { minLength: 100, maxLength: 400, size: "max" });

const holders = fc
  .shuffledSubarray<Priority>(["background", "background", "follow", "follow", "interactive"], {
    minLength: 2,
  })
  .filter((priorities) => priorities.includes("background"));

/** What delta and full runs together, and full runs alone, may have of a share of `cap` calls a window, probes aside. */
const partsOf = (cap: number) => {
  const reserve = Math.floor((cap + 4) / 5);
  const lane = Math.max(2, Math.floor((cap + 9) / 10));
  return {
    runs: Math.max(1, cap - reserve),
    sweep: Math.max(1, cap - reserve - lane),
    mostProbes: cap === 1 ? 0 : Math.min(3, Math.max(1, Math.floor(reserve / 2))),
  };
};

describe("for any order of grants, calls, late or lost answers, and restarts", () => {
  test("no window of any true bucket ever sees more than our share", () => {
    fc.assert(
      fc.property(world, steps, holders, (truth, order, priorities) => {
        const simulation = new Simulation(truth, priorities);
        simulation.run(order);
        expect(simulation.overshare()).toBe(0);
      }),
      examples(300),
    );
  });

  test("nor more than delta and full runs may have together, or full runs alone", () => {
    fc.assert(
      fc.property(world, steps, holders, (truth, order, priorities) => {
        const simulation = new Simulation(truth, priorities);
        simulation.run(order);
        for (const { limit, by } of simulation.windows()) {
          const { runs, sweep, mostProbes } = partsOf(simulation.cap(limit));
          const probes = Math.min(simulation.probes, mostProbes);
          expect(by.follow + by.background).toBeLessThanOrEqual(runs + probes);
          expect(by.background).toBeLessThanOrEqual(sweep + probes);
        }
      }),
      examples(300),
    );
  });

  test("nothing stalls for good: after two minutes of silence there are permits again", () => {
    fc.assert(
      fc.property(world, steps, (truth, order) => {
        const simulation = new Simulation({ ...truth }, ["background", "interactive"]);
        simulation.run([...order, { do: "wait", ms: 200_000 }]);
        // Whoever asks first finds that the silent ones are gone; what they held is forgotten a minute later.
        simulation.run([
          { do: "ask", holder: 0, bucket: 0, want: 0 },
          { do: "wait", ms: 70_000 },
        ]);
        for (const bucket of [0, 1, 2]) {
          simulation.run([
            { do: "restart", holder: 0 },
            { do: "wait", ms: 70_000 },
          ]);
          expect(simulation.ask(0, bucket, 1)).toBe(1);
        }
      }),
      examples(100),
    );
  });
});
