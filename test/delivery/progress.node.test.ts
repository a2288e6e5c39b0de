import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StoredEvent } from "../../src/contract/stream-api.ts";
import { anyBatch, takeBatch } from "../../src/delivery/batching.ts";
import { afterBatch, afterProof, afterSettling, type Proof } from "../../src/delivery/progress.ts";
import type { BatchLimits, DeliveryError, DeliveryOutcome } from "../../src/delivery/sink.ts";
import { type DeliveryState, initialState } from "../../src/delivery/state.ts";
import { eventOf } from "./events.ts";

const now = 1_800_000_000_000;
const context = { now, random: () => 0.5 };
const error = (code: DeliveryError["code"], status: number): DeliveryError => ({
  code,
  status,
  message: `${status}`,
});
const limits: BatchLimits = { events: 100, bytes: 1_000_000, eventBytes: null, overheadBytes: 0 };
const events = (first: number, last: number): StoredEvent[] =>
  Array.from({ length: last - first + 1 }, (_, index) => eventOf(first + index));

/** What follows from a batch, as far as no question has to be answered first. */
const follow = (...parameters: Parameters<typeof afterBatch>) => afterBatch(...parameters).step;

/**
 * Runs deliveries to their end against a sink that is a function, as `slice.ts` does it: what is in question is proven by
 * what comes next, or else by what the sink took last; what was set aside is tried again at once.
 */
const drive = (
  all: readonly StoredEvent[],
  sink: (batch: readonly StoredEvent[]) => DeliveryOutcome,
  most = 100,
) => {
  let state: DeliveryState = initialState;
  const arrived = new Set<number>();
  const dead: number[] = [];
  let requests = 0;
  const send = (batch: readonly StoredEvent[]): DeliveryOutcome => {
    requests += 1;
    const outcome = sink(batch);
    if (outcome.kind === "accepted") for (const { sequence } of batch) arrived.add(sequence);
    return outcome;
  };
  const prove = (others: readonly StoredEvent[]): Proof => {
    const ahead = others.slice(0, most);
    if (ahead.length > 0 && send(ahead).kind === "accepted") return { kind: "took", ahead };
    const witness = all.find(({ sequence }) => sequence === state.witness);
    const tried = witness === undefined ? others.slice(0, 3) : [witness];
    return tried.some((event) => send([event]).kind === "accepted")
      ? { kind: "took", ahead: null }
      : { kind: "took_none" };
  };
  for (;;) {
    const left = all.filter((event) => event.sequence > state.position);
    if (left.length === 0 || state.nextTryAt !== null) {
      return { state, arrived: [...arrived].sort((a, b) => a - b), dead, requests };
    }
    const taken = takeBatch(left, { limits: { ...limits, events: most } }, state);
    if (taken.kind === "oversized") throw new Error("nothing is too large here");
    const { step, question } = afterBatch(state, taken.events, send(taken.events), context);
    const others = left.filter(({ sequence }) => sequence > (question?.last ?? 0));
    const next = question === null ? step : afterProof(state, question, prove(others), context);
    state = next.state;
    for (const { event, proven } of next.passedBy) {
      const asked = proven ? [] : all.filter(({ sequence }) => sequence === event.sequence);
      if (asked.length === 0 || send(asked).kind !== "accepted") dead.push(event.sequence);
    }
  }
};

const refuses = (poisoned: ReadonlySet<number>) => (batch: readonly StoredEvent[]) =>
  batch.some((event) => poisoned.has(event.sequence))
    ? ({ kind: "refused", error: error("refused", 400) } as const)
    : ({ kind: "accepted" } as const);

describe("a batch that is refused for its content", () => {
  it("is searched until exactly the offenders are dead letters and all else has arrived", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 100 }),
        (count, bad, most) => {
          // The last is good, so that there is one which proves that the receiver takes events.
          const poisoned = new Set(bad.filter((sequence) => sequence < count));
          const { state, arrived, dead, requests } = drive(events(1, count), refuses(poisoned), most);
          if (state.refusing) {
            // Nothing that was tried was good, and nothing is blamed.
            expect(poisoned.size).toBeGreaterThanOrEqual(4);
            expect(dead).toEqual([]);
            return;
          }
          expect(dead).toEqual([...poisoned].sort((a, b) => a - b));
          expect(arrived).toEqual(
            events(1, count)
              .map((event) => event.sequence)
              .filter((sequence) => !poisoned.has(sequence)),
          );
          expect(state).toMatchObject({ position: count, status: "ok" });
          // An offender costs a halving down, what proves it, and the batch that is sent again.
          const search = 2 * Math.ceil(Math.log2(most)) + 6;
          expect(requests).toBeLessThanOrEqual(Math.ceil(count / most) + poisoned.size * search);
        },
      ),
    );
  });

  it.each([1, 5, 60, 5000])("buries none of %i events that the receiver all refuses", (count) => {
    const { state, dead, requests } = drive(events(1, count), () => ({
      kind: "refused",
      error: error("refused", 400),
    }));
    expect(dead).toEqual([]);
    expect(state).toMatchObject({
      status: "stopped",
      refusing: true,
      position: 0,
      lastError: expect.stringContaining("400"),
    });
    // The batch, its halves, and what was tried besides.
    expect(requests).toBeLessThanOrEqual(1 + Math.ceil(Math.log2(100)) + 4);
  });

  it("is not searched for offenders while the receiver refuses whatever it is sent", () => {
    const refused = { kind: "refused", error: error("refused", 400) } as const;
    const state = { ...initialState, status: "stopped", refusing: true } as const;
    expect(afterBatch(state, events(1, 100), refused, context).question).toMatchObject({ event: null });
  });
});

describe("a batch that is too large", () => {
  const tooLarge = { kind: "too_large", error: error("too_large", 413) } as const;

  it("is halved until it fits, and stays that small for a while", () => {
    const sizes: number[] = [];
    const { arrived, dead } = drive(events(1, 1000), (batch) => {
      sizes.push(batch.length);
      return batch.length > 30 ? tooLarge : { kind: "accepted" };
    });
    expect(sizes.slice(0, 4)).toEqual([100, 50, 25, 25]);
    // It grows once in ten batches, which then is too large again.
    expect(sizes.filter((size) => size > 30).length).toBeLessThanOrEqual(2 + Math.ceil(1000 / 25 / 10));
    expect(dead).toEqual([]);
    expect(arrived).toHaveLength(1000);
  });

  it("because of one event: costs about log2 of the batch, and the others go on in full batches", () => {
    for (const culprit of [1, 2, 250, 500, 501, 1999, 2000]) {
      const { dead, arrived, requests } = drive(
        events(1, 2000),
        (batch) => (batch.some(({ sequence }) => sequence === culprit) ? tooLarge : { kind: "accepted" }),
        500,
      );
      expect(dead).toEqual([culprit]);
      expect(arrived).toHaveLength(1999);
      // 4 batches, 9 halvings, the parts beside it, and the proof.
      expect(requests).toBeLessThanOrEqual(4 + 2 * 9 + 3);
      if (culprit === 1) expect(requests).toBeLessThanOrEqual(15);
    }
  });

  it("by the product's own bound is a dead letter unsent, without a question", () => {
    const { step, question } = afterBatch(initialState, events(1, 1), { ...tooLarge, unsent: true }, context);
    expect(question).toBeNull();
    expect(step.passedBy).toMatchObject([{ proven: true, event: { sequence: 1 } }]);
  });
});

describe("a batch that takes too long", () => {
  it("is halved, and grows again after ten batches", () => {
    let state: DeliveryState = initialState;
    const timeout = {
      kind: "retry",
      error: { ...error("timeout", 0), status: null },
      retryAfterMs: null,
    } as const;
    state = follow(state, events(1, 100), timeout, context).state;
    expect(state).toMatchObject({ learnedLimit: 50, status: "retrying", position: 0 });
    for (let batch = 0; batch < 10; batch += 1) {
      expect(state.learnedLimit).toBe(50);
      const first = state.position + 1;
      state = follow(state, events(first, first + 49), { kind: "accepted" }, context).state;
    }
    expect(state.learnedLimit).toBe(100);
  });
});

describe("an event that makes the receiver fail", () => {
  const fails = (batch: readonly StoredEvent[], poison: number): DeliveryOutcome =>
    batch.some(({ sequence }) => sequence === poison)
      ? { kind: "retry", error: error("unavailable", 500), retryAfterMs: null }
      : { kind: "accepted" };

  it("is asked about at the second failure in a row, searched without waiting, and set aside", () => {
    const pending = events(1, 120);
    let state: DeliveryState = initialState;
    const first = afterBatch(state, pending.slice(0, 100), fails(pending.slice(0, 100), 77), context);
    expect(first.question).toBeNull();
    state = first.step.state;
    const second = afterBatch(state, pending.slice(0, 100), fails(pending.slice(0, 100), 77), context);
    const question = second.question ?? expect.fail("there is a question");
    // If the receiver takes nothing else, it is down: it is waited for, and nothing is blamed.
    expect(afterProof(state, question, { kind: "took_none" }, context)).toMatchObject({
      state: { status: "retrying", failures: 2 },
      passedBy: [],
    });
    state = afterProof(state, question, { kind: "took", ahead: null }, context).state;
    const aside: unknown[] = [];
    for (let requests = 0; state.position < 100 && requests < 20; requests += 1) {
      const left = pending.filter(({ sequence }) => sequence > state.position);
      const taken = takeBatch(left, { limits }, state);
      if (taken.kind === "oversized") throw new Error("nothing is too large here");
      const next = follow(state, taken.events, fails(taken.events, 77), context);
      expect(next.state.nextTryAt).toBeNull();
      aside.push(...next.passedBy);
      state = next.state;
    }
    expect(state.position).toBeGreaterThanOrEqual(100);
    expect(aside).toMatchObject([{ event: { sequence: 77 }, proven: false, dueAt: now + 5000 }]);
  });

  it("is not looked for as long as the receiver says when to come again, or only one try has failed", () => {
    const busy = { kind: "retry", error: error("unavailable", 503), retryAfterMs: 7000 } as const;
    const state = { ...initialState, failures: 1 };
    expect(afterBatch(state, events(1, 3), busy, context).question).toBeNull();
    for (const code of ["rate_limited", "inventory"] as const) {
      const outcome = { kind: "retry", error: error(code, 429), retryAfterMs: null } as const;
      expect(afterBatch(state, events(1, 3), outcome, context).question).toBeNull();
    }
  });
});

describe("afterBatch", () => {
  const batch = events(1, 3);

  it("moves the cursor only for what arrived", () => {
    expect(follow(initialState, batch, { kind: "accepted" }, context).state.position).toBe(3);
    for (const kind of ["retry", "stopped"] as const) {
      const outcome = { kind, error: error("unavailable", 503), retryAfterMs: null };
      expect(follow(initialState, batch, outcome, context).state.position).toBe(0);
    }
    expect(follow(initialState, batch, { kind: "awaiting", receipt: "1" }, context).state.position).toBe(0);
  });

  it("obeys Retry-After, else backs off with full jitter up to five minutes", () => {
    const outcome = (retryAfterMs: number | null) =>
      ({ kind: "retry", error: error("rate_limited", 429), retryAfterMs }) as const;
    expect(follow(initialState, batch, outcome(7000), context).state.nextTryAt).toBe(now + 7000);
    // random is 0.5: half of 1 s, then half of 2 s, …, at last half of 300 s.
    const waits: number[] = [];
    let state: DeliveryState = initialState;
    for (let failure = 1; failure <= 12; failure += 1) {
      state = follow(state, batch, outcome(null), context).state;
      waits.push((state.nextTryAt ?? 0) - now);
    }
    expect(waits).toEqual([
      500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 150_000, 150_000, 150_000,
    ]);
    expect(state.status).toBe("retrying");
    expect(follow(state, batch, { kind: "accepted" }, context).state).toMatchObject({
      status: "ok",
      failures: 0,
      nextTryAt: null,
      lastError: null,
    });
  });

  it("stops for a credential, and says so, and tries again all the same", () => {
    const outcome = { kind: "stopped", error: error("credential", 401), retryAfterMs: null } as const;
    const { state } = follow(initialState, batch, outcome, context);
    expect(state).toMatchObject({ status: "stopped", lastError: "401", nextTryAt: now + 7500 });
  });

  it("takes what arrived, sets aside what was refused beside it, and waits for the rest", () => {
    const outcome: DeliveryOutcome = {
      kind: "partial",
      answers: [error("refused", 400), null, error("rate_limited", 429)],
    };
    const next = follow(initialState, batch, outcome, context);
    expect(next.state).toMatchObject({ position: 2, status: "retrying" });
    expect(next.passedBy).toMatchObject([{ event: { sequence: 1 }, proven: false, dueAt: now }]);
    expect(next.settledAssets).toEqual(["u2"]);
  });

  it("blames no event where the receiver refused each of them", () => {
    const answers = batch.map(() => error("refused", 400));
    const next = afterBatch(initialState, batch, { kind: "partial", answers }, context);
    expect(next.step.passedBy).toEqual([]);
    expect(next.step.state).toMatchObject({ position: 0, doubt: { last: 3 } });
  });

  it("grows the waits while a partial answer takes nothing", () => {
    const outcome: DeliveryOutcome = { kind: "partial", answers: [error("rate_limited", 429)] };
    const once = follow(initialState, batch, outcome, context).state;
    expect(follow(once, batch, outcome, context).state.failures).toBe(2);
  });

  it("sets aside the event that fails a third time in a row while those beside it arrive", () => {
    const outcome: DeliveryOutcome = { kind: "partial", answers: [error("unavailable", 500), null, null] };
    let state: DeliveryState = initialState;
    for (let failure = 1; failure <= 2; failure += 1) {
      const next = follow(state, batch, outcome, context);
      expect(next.state).toMatchObject({ position: 0, failures: failure });
      state = next.state;
    }
    const third = follow(state, batch, outcome, context);
    expect(third.state).toMatchObject({ position: 3, status: "ok" });
    expect(third.passedBy).toMatchObject([{ event: { sequence: 1 }, proven: false, dueAt: now + 5000 }]);
  });

  it("sends everything again once a receiver that has lost what it had takes events", () => {
    const lost = { ...error("configuration", 404), lost: true } as const;
    const held = { ...initialState, position: 40 };
    const stopped = follow(
      held,
      events(41, 43),
      { kind: "stopped", error: lost, retryAfterMs: null },
      context,
    );
    expect(stopped.state).toMatchObject({ status: "stopped", position: 40 });
    const back = follow(stopped.state, events(41, 43), { kind: "accepted" }, context);
    expect(back.state).toMatchObject({ status: "ok", position: 0, lost: false });
  });
});

describe("afterSettling", () => {
  const sent = follow(initialState, events(1, 3), { kind: "awaiting", receipt: "7" }, context).state;
  const receipt = sent.receipt ?? expect.fail("there is a receipt");

  it("moves the cursor with the acknowledgement", () => {
    const { state, settledAssets } = afterSettling(sent, receipt, { kind: "accepted" }, context);
    expect(state).toMatchObject({ position: 3, receipt: null });
    expect(settledAssets).toEqual(["u1", "u2", "u3"]);
  });

  it("keeps waiting, through failures to ask too, and sends again after five minutes", () => {
    const later = { ...context, now: now + 299_999 };
    expect(afterSettling(sent, receipt, { kind: "waiting" }, later).state.receipt).toEqual(receipt);
    const failure = { kind: "retry", error: error("unavailable", 503), retryAfterMs: null } as const;
    expect(afterSettling(sent, receipt, failure, later).state).toMatchObject({ receipt, status: "retrying" });
    const overdue = { ...context, now: now + 300_000 };
    expect(afterSettling(sent, receipt, { kind: "waiting" }, overdue).state).toMatchObject({
      receipt: null,
      position: 0,
      status: "retrying",
      nextTryAt: now + 300_000,
    });
  });
});

describe("takeBatch", () => {
  const take = (list: readonly StoredEvent[], over: Partial<BatchLimits> = {}) =>
    takeBatch(list, { limits: { ...limits, ...over } }, anyBatch);

  it("stays within bytes, counted in UTF-8, but never takes nothing", () => {
    // {"class_uid":5003,"user":{"uid":"u1"},"sequence":1,"n":"…"} with 100 characters of 2 bytes each.
    const list = events(1, 3).map((event) => eventOf(event.sequence, event.assetId, { n: "é".repeat(100) }));
    const size = Buffer.byteLength(list[0]?.json ?? "");
    expect(take(list, { bytes: 2 * size })).toMatchObject({ events: list.slice(0, 2) });
    expect(take(list, { bytes: 2 * size - 1 })).toMatchObject({ events: list.slice(0, 1) });
    expect(take(list, { bytes: 1 })).toMatchObject({ events: list.slice(0, 1) });
  });

  it("ends a batch before an event that is too large, and then names it", () => {
    const list = [eventOf(1), eventOf(2, "u2", { n: "x".repeat(200) }), eventOf(3)];
    expect(take(list, { eventBytes: 150 })).toMatchObject({ kind: "batch", events: [list[0]] });
    expect(take(list.slice(1), { eventBytes: 150 })).toMatchObject({ kind: "oversized", event: list[1] });
  });

  it("keeps partitions apart", () => {
    const list = events(1, 4);
    const partition = (event: StoredEvent) => (event.sequence <= 2 ? "a" : "b");
    expect(takeBatch(list, { limits, partition }, anyBatch)).toMatchObject({ events: list.slice(0, 2) });
  });
});
