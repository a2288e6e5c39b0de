import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StoredEvent } from "../../src/contract/stream-api.ts";
import { takeBatch } from "../../src/delivery/batching.ts";
import { afterBatch, afterSettling, mostRefusedInARow } from "../../src/delivery/progress.ts";
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

/** Runs deliveries to their end against a sink that is a function. */
const drive = (
  all: readonly StoredEvent[],
  sink: (batch: readonly StoredEvent[]) => DeliveryOutcome,
  most = 100,
) => {
  let state: DeliveryState = initialState;
  const arrived: number[] = [];
  const buried: number[] = [];
  let requests = 0;
  for (;;) {
    const pending = all.filter((event) => event.sequence > state.position).slice(0, most);
    if (pending.length === 0 || state.nextTryAt !== null) return { state, arrived, buried, requests };
    const taken = takeBatch(pending, { limits: { ...limits, events: most } }, state);
    if (taken.kind === "oversized") throw new Error("nothing is too large here");
    requests += 1;
    const outcome = sink(taken.events);
    if (outcome.kind === "accepted") arrived.push(...taken.events.map((event) => event.sequence));
    const next = afterBatch(state, taken.events, outcome, context);
    buried.push(...next.deadLetters.map((letter) => letter.event.sequence));
    state = next.state;
  }
};

describe("a batch that is refused for its content", () => {
  it("is bisected until exactly the offenders are dead letters and all else arrived in order", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 100 }),
        (count, bad, most) => {
          const poisoned = new Set(bad.filter((sequence) => sequence <= count));
          const { state, arrived, buried, requests } = drive(
            events(1, count),
            (batch) =>
              batch.some((event) => poisoned.has(event.sequence))
                ? { kind: "refused", error: error("refused", 400) }
                : { kind: "accepted" },
            most,
          );
          expect(buried).toEqual([...poisoned].sort((a, b) => a - b));
          expect(arrived).toEqual(
            events(1, count)
              .map((event) => event.sequence)
              .filter((sequence) => !poisoned.has(sequence)),
          );
          expect(state.position).toBe(count);
          expect(state.status).toBe("ok");
          // Each offender costs at most a halving down and the way back up; a clean run costs its batches.
          const halvings = 2 * Math.ceil(Math.log2(most)) + 2;
          expect(requests).toBeLessThanOrEqual(Math.ceil(count / most) + poisoned.size * halvings);
        },
      ),
    );
  });

  it("does not empty a whole inventory into the dead letters of a sink that is set up wrongly", () => {
    const { state, buried } = drive(events(1, 1000), () => ({
      kind: "refused",
      error: error("refused", 400),
    }));
    expect(buried).toHaveLength(mostRefusedInARow);
    expect(state.status).toBe("stopped");
    expect(state.lastError).toContain("set-up");
  });

  it("is too large: halves until it fits, and a single event that never fits is a dead letter", () => {
    const sizes: number[] = [];
    const { arrived, buried } = drive(events(1, 100), (batch) => {
      sizes.push(batch.length);
      const huge = batch.some((event) => event.sequence === 7);
      return batch.length > 10 || huge
        ? { kind: "too_large", error: error("too_large", 413) }
        : { kind: "accepted" };
    });
    expect(sizes.slice(0, 5)).toEqual([100, 50, 25, 12, 6]);
    expect(buried).toEqual([7]);
    expect(arrived).toHaveLength(99);
  });
});

describe("afterBatch", () => {
  const batch = events(1, 3);

  it("moves the cursor only for what arrived", () => {
    expect(afterBatch(initialState, batch, { kind: "accepted" }, context).state.position).toBe(3);
    for (const kind of ["retry", "stopped"] as const) {
      const outcome = { kind, error: error("unavailable", 503), retryAfterMs: null };
      expect(afterBatch(initialState, batch, outcome, context).state.position).toBe(0);
    }
    expect(afterBatch(initialState, batch, { kind: "awaiting", receipt: "1" }, context).state.position).toBe(
      0,
    );
  });

  it("obeys Retry-After, else backs off with full jitter up to five minutes", () => {
    const outcome = (retryAfterMs: number | null) =>
      ({ kind: "retry", error: error("rate_limited", 429), retryAfterMs }) as const;
    expect(afterBatch(initialState, batch, outcome(7000), context).state.nextTryAt).toBe(now + 7000);
    // random is 0.5: half of 1 s, then half of 2 s, …, at last half of 300 s.
    const waits: number[] = [];
    let state: DeliveryState = initialState;
    for (let failure = 1; failure <= 12; failure += 1) {
      state = afterBatch(state, batch, outcome(null), context).state;
      waits.push((state.nextTryAt ?? 0) - now);
    }
    expect(waits).toEqual([
      500, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 150_000, 150_000, 150_000,
    ]);
    expect(state.status).toBe("retrying");
    expect(afterBatch(state, batch, { kind: "accepted" }, context).state).toMatchObject({
      status: "ok",
      failures: 0,
      nextTryAt: null,
      lastError: null,
    });
  });

  it("stops for a credential, and says so, and tries again all the same", () => {
    const outcome = { kind: "stopped", error: error("credential", 401), retryAfterMs: null } as const;
    const { state } = afterBatch(initialState, batch, outcome, context);
    expect(state).toMatchObject({ status: "stopped", lastError: "401", nextTryAt: now + 7500 });
  });

  it("takes what a partial answer took, buries what it rejected, and waits for the rest", () => {
    const outcome: DeliveryOutcome = {
      kind: "partial",
      taken: 2,
      rejected: [{ index: 0, error: error("refused", 400) }],
      error: error("rate_limited", 429),
      retryAfterMs: null,
    };
    const next = afterBatch(initialState, batch, outcome, context);
    expect(next.state).toMatchObject({ position: 2, status: "retrying" });
    expect(next.deadLetters.map((letter) => letter.event.sequence)).toEqual([1]);
    expect(next.settledAssets).toEqual(["u2"]);
  });

  it("grows the waits while a partial answer takes nothing", () => {
    const outcome: DeliveryOutcome = {
      kind: "partial",
      taken: 0,
      rejected: [],
      error: error("rate_limited", 429),
      retryAfterMs: null,
    };
    const once = afterBatch(initialState, batch, outcome, context).state;
    expect(afterBatch(once, batch, outcome, context).state.failures).toBe(2);
  });
});

describe("afterSettling", () => {
  const sent = afterBatch(initialState, events(1, 3), { kind: "awaiting", receipt: "7" }, context).state;
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
    takeBatch(list, { limits: { ...limits, ...over } }, { learnedLimit: null, suspectLast: null });

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
    const rules = { learnedLimit: null, suspectLast: null };
    expect(takeBatch(list, { limits, partition }, rules)).toMatchObject({ events: list.slice(0, 2) });
  });
});
