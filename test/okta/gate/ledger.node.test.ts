import { describe, expect, test } from "vitest";
import type { Bucket } from "../../../src/okta/endpoints.ts";
import { checkIn, release } from "../../../src/okta/gate/holders.ts";
import { grant, type Observation, observe } from "../../../src/okta/gate/ledger.ts";
import { emptyLedger, type Ledger, type Priority } from "../../../src/okta/gate/ledger-state.ts";

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
    expect(ask(ledger, 20)).toEqual({ granted: 1, retryAt: null, reason: null });
    expect(ask(ledger, 20)).toEqual({ granted: 0, retryAt: T0 + 100, reason: "learning" });
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
    expect(ask(ledger, 1, lookup)).toMatchObject({ granted: 0, retryAt: expect.any(Number) });
  });

  test("what other applications use comes off, and a twentieth of the limit stays theirs", () => {
    // 100 are left of 600; 30 of them stay untouched.
    expect(ask(knowing({ remaining: 100 }), 1000).granted).toBe(70);
    expect(ask(knowing({ remaining: 30 }), 1000)).toEqual({
      granted: 0,
      retryAt: T0 + 31_000,
      reason: "share",
    });
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

  test.each([
    ["a look-up", 13_000],
    ["a holder that does not tell, of the version before", undefined],
  ])("%s is gone when its calls have ended, and what it held was used by then", (_, goneAfterMs) => {
    const gone = T0 + (goneAfterMs ?? 90_000);
    const ledger = knowing();
    const holder = { name: "look-up/1", incarnation: "1", priority: "interactive" as const };
    checkIn(ledger, { ...holder, ...(goneAfterMs !== undefined && { goneAfterMs }) }, T0);
    grant(ledger, { holder: holder.name, bucket: USERS, want: 5, priority: "interactive" }, 0.5, T0);
    ask(ledger, 0, { at: gone });
    expect(ledger.holders["look-up/1"]?.out).toEqual({ [USERS]: 5 });
    ask(ledger, 0, { at: gone + 30_000 });
    expect(ledger.holders["look-up/1"]).toBeUndefined();
    // A minute and 5 s after it may have made its last call, not after somebody noticed that it is gone.
    expect(ask(ledger, 1000, { at: gone + 64_000 }).granted).toBe(205);
    release(ledger, "stream/users");
    expect(ask(ledger, 1000, { at: gone + 66_500 }).granted).toBe(210);
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

describe("why nothing is granted", () => {
  /** A bucket of 60 in whose window background work may make 21 calls. */
  const used = (calls: { counted?: number; lost?: number; out?: number; remaining?: number }): Ledger => {
    const { counted = 1, lost = 0, out = 0, remaining = 60 - counted } = calls;
    const ledger = emptyLedger();
    for (let call = 0; call < counted; call++) {
      ask(ledger, 1);
      book(ledger, answered({ limit: 60, remaining }));
    }
    ask(ledger, lost + out);
    for (let call = 0; call < lost; call++) book(ledger, unanswered());
    return ledger;
  };

  test.each([
    ["our part of the window is used up", { counted: 21 }, "share", 31_000],
    ["the rest of the window is left to others", { counted: 2, remaining: 3 }, "share", 31_000],
    ["permits are out", { counted: 11, out: 10 }, "in_flight", 1000],
    ["permits are out, and some calls are lost", { counted: 11, out: 5, lost: 5 }, "in_flight", 1000],
    ["calls are lost", { counted: 19, lost: 2 }, "unaccounted", 6000],
    ["so many are lost that a probe is worth it", { counted: 1, lost: 20 }, "unaccounted", 5000],
  ] as const)("%s", (_, calls, reason, inMs) => {
    expect(ask(used(calls), 1, { holder: "b" })).toEqual({ granted: 0, retryAt: T0 + inMs, reason });
  });

  test("calls are lost of buckets whose size nobody knows", () => {
    const ledger = emptyLedger();
    for (let call = 0; call < 6; call++) {
      ask(ledger, 1);
      book(ledger, unanswered());
    }
    expect(ask(ledger, 1)).toEqual({ granted: 0, retryAt: T0 + 65_001, reason: "unaccounted" });
  });

  test("look-ups have as many calls under way as they may", () => {
    const ledger = knowing();
    const lookup = { holder: "look-up/1", priority: "interactive" as const };
    ask(ledger, 12, lookup);
    expect(ask(ledger, 1, lookup)).toEqual({ granted: 0, retryAt: T0 + 100, reason: "in_flight" });
  });

  test("an org that tells no limits has as many calls under way as it may", () => {
    const ledger = emptyLedger();
    ask(ledger, 1);
    book(ledger, { ...unanswered(), status: 200 });
    ask(ledger, 6);
    expect(ask(ledger, 1)).toEqual({ granted: 0, retryAt: T0 + 100, reason: "in_flight" });
  });
});

describe("what Okta's count says about calls of unknown fate", () => {
  /**
   * A bucket of 60, of which a full run may have 21 a window. One that holds 20 dies after `used` calls; its successor
   * asks at T0 + 1 s.
   */
  const dead = ({ limit = 60, share = 0.5 } = {}) => {
    const ledger = emptyLedger();
    ask(ledger, 1, { share });
    book(ledger, answered({ limit, remaining: limit - 1 }));
    const held = ask(ledger, 1000, { share }).granted;
    checkIn(ledger, { name: "stream/users", incarnation: "2", priority: "background" }, T0 + 1000);
    return { ledger, held };
  };
  const again = (ledger: Ledger, at: number, over: Partial<Parameters<typeof ask>[2]> = {}) =>
    ask(ledger, 1000, { holder: "b", at, ...over });
  const told = (sentAt: number, remaining: number, over: Parameters<typeof answered>[0] = {}) =>
    answered({ limit: 60, at: sentAt + 100, sentAt, remaining, ...over });

  test.each([
    ["all of them were made", 20, 0],
    ["half of them were made", 10, 9],
    ["none of them was made", 0, 19],
  ])("after a probe, a successor gets what is left, if %s", (_, used, granted) => {
    const { ledger, held } = dead();
    expect(held).toBe(20);
    expect(again(ledger, T0 + 1000)).toEqual({ granted: 0, retryAt: T0 + 6000, reason: "unaccounted" });
    expect(again(ledger, T0 + 6000)).toEqual({ granted: 1, retryAt: null, reason: null });
    expect(again(ledger, T0 + 6001).granted).toBe(0);
    book(ledger, told(T0 + 6000, 60 - 1 - used - 1), "b");
    expect(again(ledger, T0 + 6200).granted).toBe(granted);
  });

  test("what other applications have used may be taken for ours, but never for more than what is unknown", () => {
    const { ledger } = dead();
    again(ledger, T0 + 6000);
    book(ledger, told(T0 + 6000, 60 - 2 - 30), "b");
    expect(again(ledger, T0 + 6200).granted).toBe(0);
    // They had landed when the probe was sent, so they are not in the next window.
    expect(again(ledger, T0 + 31_000).granted).toBe(21);
  });

  test("an answer to a call that was sent before they must have landed says nothing", () => {
    const { ledger } = dead();
    const lookup = { holder: "look-up/1", priority: "interactive" as const };
    ask(ledger, 2, { ...lookup, at: T0 + 5000 });
    book(ledger, told(T0 + 5999, 58, { at: T0 + 20_000 }), "look-up/1");
    expect(again(ledger, T0 + 20_000, lookup).granted).toBe(30 - 1 - 20 - 1 - 1);
    release(ledger, "look-up/1");
    book(ledger, told(T0 + 6000, 57, { at: T0 + 20_000 }), "look-up/1");
    expect(again(ledger, T0 + 20_000, lookup).granted).toBe(27);
  });

  test("answers may come in any order", () => {
    const { ledger } = dead();
    const lookup = { holder: "look-up/1", priority: "interactive" as const };
    ask(ledger, 2, { ...lookup, at: T0 + 6000 });
    // Of the dead one's calls 10 were made. Then came two look-ups, and the later answer comes first.
    book(ledger, told(T0 + 7000, 60 - 1 - 10 - 2), "look-up/1");
    book(ledger, told(T0 + 6000, 60 - 1 - 10 - 1), "look-up/1");
    expect(again(ledger, T0 + 8000, lookup).granted).toBe(30 - 1 - 10 - 2);
  });

  test("an answer that names an earlier window frees the present one of what had landed before it", () => {
    const { ledger } = dead();
    const lookup = { holder: "look-up/1", priority: "interactive" as const };
    ask(ledger, 2, { ...lookup, at: T0 + 29_000 });
    book(ledger, told(T0 + 31_000, 59, { resetAt: RESET + 60, sentAt: T0 }), "look-up/1");
    expect(again(ledger, T0 + 32_000, { ...lookup, holder: "c" }).granted).toBe(30 - 1 - 20 - 1);
    release(ledger, "c");
    book(ledger, told(T0 + 29_000, 38), "look-up/1");
    expect(again(ledger, T0 + 32_000, lookup).granted).toBe(29);
  });

  test.each([
    // limit and share, the permits that the dead one held, whether its successor may probe
    [20, 0.05, 1, false],
    [20, 0.1, 1, true],
    [20, 0.25, 2, true],
    [20, 0.5, 6, true],
    [60, 0.5, 21, true],
  ])(
    "in a bucket of %d with a share of %d, a dead holder of %d permits may be probed for: %s",
    (limit, share, held, probes) => {
      const ledger = emptyLedger();
      ask(ledger, 1, { share });
      book(ledger, answered({ limit, remaining: limit - 1 }));
      const at = T0 + 32_000;
      expect(ask(ledger, 1000, { share, at }).granted).toBe(held);
      checkIn(ledger, { name: "stream/users", incarnation: "2", priority: "background" }, at);
      expect(again(ledger, at + 4999, { share }).granted).toBe(0);
      expect(again(ledger, at + 5000, { share }).granted).toBe(probes ? 1 : 0);
      // One at a time, and the next not before this one may have landed.
      expect(again(ledger, at + 5001, { share }).granted).toBe(0);
      expect(again(ledger, at + 66_000, { share, holder: "c" }).granted).toBeGreaterThanOrEqual(
        1 - Number(probes),
      );
    },
  );

  test("who dies again soon is probed for again, as long as the first probe has cost nobody anything", () => {
    const { ledger, held } = dead({ limit: 20 });
    expect(held).toBe(5);
    expect(again(ledger, T0 + 6000).granted).toBe(1);
    book(ledger, told(T0 + 6000, 18, { limit: 20 }), "b");
    expect(again(ledger, T0 + 6200).granted).toBe(4);
    checkIn(ledger, { name: "b", incarnation: "2", priority: "background" }, T0 + 7000);
    expect(again(ledger, T0 + 11_999, { holder: "c" }).granted).toBe(0);
    expect(again(ledger, T0 + 12_000, { holder: "c" }).granted).toBe(1);
    // This one is not answered, and all that look-ups could spare is spent.
    book(ledger, unanswered(T0 + 13_000), "c");
    expect(again(ledger, T0 + 19_000, { holder: "c" }).granted).toBe(0);
  });

  test("a probe does not lessen the part of delta runs", () => {
    const { ledger } = dead();
    expect(again(ledger, T0 + 6000).granted).toBe(1);
    const delta = { holder: "stream/users/delta", priority: "follow" as const };
    expect(again(ledger, T0 + 6000, delta).granted).toBe(3);
    expect(again(ledger, T0 + 6000, { holder: "look-up/1", priority: "interactive" }).granted).toBe(
      30 - 21 - 1 - 3,
    );
  });

  test("a few unanswered calls in a large bucket are not worth a probe", () => {
    const ledger = knowing();
    ask(ledger, 209);
    for (let call = 0; call < 209; call++) {
      const observation = call < 200 ? answered({ remaining: 598 - call }) : unanswered();
      book(ledger, observation);
    }
    expect(ask(ledger, 1, { at: T0 + 10_000 }).granted).toBe(0);
  });
});

describe("429", () => {
  test("a full window is waited for until it surely is over, and each time a little longer", () => {
    const ledger = knowing();
    ask(ledger, 2);
    book(ledger, answered({ status: 429, remaining: 0 }));
    expect(ask(ledger, 1)).toEqual({ granted: 0, retryAt: T0 + 31_000 + 250, reason: "backoff" });
    book(ledger, answered({ status: 429, remaining: 0 }));
    expect(ask(ledger, 1)).toEqual({ granted: 0, retryAt: T0 + 31_000 + 500, reason: "backoff" });
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
      expect(ask(ledger, 1, { bucket })).toEqual({ granted: 0, retryAt: T0 + 250 + 500, reason: "backoff" });
    }
    expect(ask(ledger, 1, { at: T0 + 800 }).granted).toBe(1);
    expect(ledger.buckets[USERS]?.limit).toBe(600);
  });

  test("a 429 without headers is waited out for seconds", () => {
    const ledger = knowing();
    book(ledger, { ...unanswered(), status: 429 });
    expect(ask(ledger, 1)).toEqual({ granted: 0, retryAt: T0 + 2000, reason: "backoff" });
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
    expect(ask(ledger, 1, { bucket: REST, holder: "b" })).toEqual({
      granted: 0,
      retryAt: T0 + 31_000,
      reason: "share",
    });
  });
});

describe("a window that ends at an incredible time", () => {
  const YEAR_S = 365 * 86_400;
  const guess = (over: Parameters<typeof answered>[0] = {}): Observation => {
    const { at = T0 } = over;
    const observation = answered({ ...over, resetAt: Math.ceil((at + 60_000) / 1000) });
    return { ...observation, reading: observation.reading && { ...observation.reading, isGuess: true } };
  };

  test("is over within two minutes, whatever a caller of the version before believed", () => {
    const ledger = knowing({ resetAt: RESET + YEAR_S, remaining: 0 });
    const { granted, retryAt } = ask(ledger, 1);
    expect(granted).toBe(0);
    expect(retryAt).toBeLessThanOrEqual(T0 + 121_000);
    expect(ask(ledger, 1, { at: T0 + 121_000 }).granted).toBe(1);
  });

  test("a 429 with it backs off for minutes at most", () => {
    const ledger = knowing();
    book(ledger, answered({ status: 429, remaining: 0, resetAt: RESET + YEAR_S }));
    expect(ask(ledger, 1).retryAt).toBeLessThanOrEqual(T0 + 121_000);
  });

  test("later sane answers win, and nothing that was counted is forgotten", () => {
    const ledger = emptyLedger();
    for (let n = 0; n < 100; n++) {
      ask(ledger, 1);
      book(ledger, guess({ remaining: 599 - n, at: T0 + n }));
    }
    expect(ledger.buckets[USERS]).toMatchObject({ counted: 100, isGuess: true });
    ask(ledger, 1);
    book(ledger, answered({ remaining: 499, at: T0 + 200 }));
    expect(ledger.buckets[USERS]).toMatchObject({ counted: 101, resetAt: RESET });
    expect(ledger.buckets[USERS]?.opensAt).toBeLessThanOrEqual(RESET * 1000 + 1000);
  });

  test("a guess is counted in the window that is open", () => {
    const ledger = knowing();
    ask(ledger, 1);
    book(ledger, guess({ remaining: 598 }));
    expect(ledger.buckets[USERS]).toMatchObject({ counted: 2, resetAt: RESET });
  });
});
