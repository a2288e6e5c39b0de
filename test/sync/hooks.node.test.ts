/** When a stream polls because of event hooks: by arithmetic, and by an independent simulation. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type HookState,
  hookCame,
  logShowed,
  logTold,
  nextPollAt,
  pollBegins,
  silentSince,
  turned,
  withAwaited,
} from "../../src/sync/hooks.ts";
import { examples } from "../support/seeds.ts";

const T = 1_800_000_000_000;
const MINUTE = 60_000;
const DAY = 86_400_000;

describe("a hook", () => {
  const first = hookCame(null, ["a"], T);

  test("lets the stream poll at once, and then at most every 5 seconds", () => {
    expect(nextPollAt(first)).toBe(T);
    const polled = pollBegins(first, T);
    const second = hookCame(polled, ["b"], T + 1_000);
    expect(nextPollAt(second)).toBe(T + 5_000);
    // The poll that is due shows what comes until then.
    expect(hookCame(second, ["c"], T + 2_000)).toBe(second);
  });

  test("whose event the log does not show yet is polled for again after 5 and 15 seconds, and no more", () => {
    const times: number[] = [];
    let state = first;
    for (let at = nextPollAt(state); at !== null; at = nextPollAt(state)) {
      times.push(at - T);
      state = pollBegins(state, at);
    }
    expect(times).toEqual([0, 5_000, 15_000]);
  });

  test("whose event the log has shown is done", () => {
    expect(nextPollAt(logShowed(pollBegins(first, T), ["a"]))).toBeNull();
    const other = pollBegins(first, T);
    expect(logShowed(other, ["b"])).toBe(other);
  });

  test("that comes while the log is polled is not taken for what that poll shows", () => {
    const during = hookCame(pollBegins(first, T), ["b"], T + 100);
    expect(nextPollAt(logShowed(during, ["a", "b"]))).toBe(T + 5_000);
  });

  test("names at most 100 events that are waited for, the newest", () => {
    const uuids = Array.from({ length: 1_000 }, (_, n) => `${n}`);
    const state = withAwaited(pollBegins(first, T), uuids, T);
    expect(state.awaited).toHaveLength(100);
    expect(state.awaited.at(-1)?.uuid).toBe("999");
  });

  test("10,000 hooks in a minute: fewer than 20 polls, the last one after the last hook, and few writes", () => {
    let state: HookState | null = null;
    let [polls, writes, lastPoll] = [0, 0, 0];
    const pollUntil = (now: number) => {
      for (let at = state && nextPollAt(state); state && at !== null && at <= now; at = nextPollAt(state)) {
        state = pollBegins(state, at);
        [polls, lastPoll] = [polls + 1, at];
      }
    };
    for (let n = 0; n < 10_000; n++) {
      const now = T + n * 6;
      pollUntil(now);
      const after: HookState = hookCame(state, [], now);
      if (after !== state) writes += 1;
      state = after;
    }
    pollUntil(T + 10 * MINUTE);
    expect(polls).toBeLessThan(20);
    expect(lastPoll).toBeGreaterThanOrEqual(T + 9_999 * 6);
    expect(writes).toBeLessThan(40);
  });

  test("whatever comes: every hook has a poll within 5 seconds that begins after it, and none is too soon", () => {
    const happenings = fc.array(
      fc.record({ after: fc.integer({ min: 0, max: 20_000 }), uuid: fc.constantFrom("a", "b", "c", "d") }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(happenings, fc.uniqueArray(fc.constantFrom("a", "b")), (hooks, shown) => {
        let state: HookState | null = null;
        let now = T;
        const polls: number[] = [];
        const work = (until: number) => {
          for (
            let at = state && nextPollAt(state);
            state && at !== null && at <= until;
            at = nextPollAt(state)
          ) {
            polls.push(at);
            state = logShowed(pollBegins(state, at), [...shown]);
          }
        };
        const came: number[] = [];
        for (const { after, uuid } of hooks) {
          work(now + after);
          now += after;
          came.push(now);
          state = hookCame(state, [uuid], now);
        }
        work(now + MINUTE);
        for (const at of came) {
          expect(polls.some((poll) => poll >= at && poll <= at + 5_000)).toBe(true);
        }
        for (const [index, poll] of polls.entries()) {
          if (index > 0) expect(poll - (polls[index - 1] ?? 0)).toBeGreaterThanOrEqual(5_000);
        }
        // Nothing is polled for ever.
        expect(state === null ? null : nextPollAt(state)).toBeNull();
      }),
      examples(100),
    );
  });
});

describe("hooks that used to come", () => {
  const came = pollBegins(hookCame(null, [], T), T);

  test.each([
    ["nothing has happened since", came, 3 * DAY, null],
    ["what happened came right before the last hook", logTold(came, T - 1_000), 3 * DAY, null],
    ["something has just happened", logTold(came, T + 2 * DAY), 2 * DAY + MINUTE, null],
    ["something happened an hour ago, but the day is not over", logTold(came, T + 2 * MINUTE), DAY - 1, null],
    ["something happened early in the day", logTold(came, T + 2 * MINUTE), DAY, T + DAY],
    ["something happened late", logTold(came, T + DAY), DAY + 60 * MINUTE, T + DAY + 60 * MINUTE],
  ])("%s", (_, state, after, expected) => {
    expect(silentSince(state, T + after)).toBe(expected);
  });

  test("are missed no more once one comes", () => {
    const missed = logTold(came, T + 2 * MINUTE);
    expect(silentSince(hookCame(missed, [], T + 2 * DAY), T + 2 * DAY)).toBeNull();
    expect(silentSince(null, T)).toBeNull();
  });
});

describe("hooks that are turned off", () => {
  const told = logTold(hookCame(null, ["a"], T), T + 2 * MINUTE);
  const off = turned(told, false);

  test("are neither waited for nor missed, and the last one is remembered", () => {
    expect(off).toMatchObject({ at: T, awaited: [], unheardSince: null });
    expect(nextPollAt(off)).toBeNull();
    expect(logTold(off, T + DAY)).toBe(off);
    expect(silentSince(off, T + 9 * DAY)).toBeNull();
  });

  test("and on again are missed from what the log tells after that", () => {
    const on = turned(off, true);
    expect(silentSince(on, T + 9 * DAY)).toBeNull();
    expect(silentSince(logTold(on, T + 9 * DAY), T + 10 * DAY)).not.toBeNull();
  });

  test("count as on once one comes; what is so already stays the same object", () => {
    expect(hookCame(off, [], T + DAY)).not.toHaveProperty("isOff");
    expect(turned(off, false)).toBe(off);
    expect(turned(told, true)).toBe(told);
  });
});
