/** How many more calls a bucket has room for now; see `ledger.ts` for the rules. Pure. */
import type { Bucket } from "../endpoints.ts";
import type { WaitReason } from "../wait-reason.ts";
import type { BucketState } from "./bucket.ts";
import { familyOf } from "./families.ts";
import { outstanding } from "./holders.ts";
import { bucketState, bucketsOf, type Ledger, type Priority } from "./ledger-state.ts";
import { LANDING_MS, lossEndsAt, settledCalls, settlesAt, unsettledCalls } from "./losses.ts";
import { allowance, mostProbes } from "./parts.ts";

/** Who asks for permits, and when. */
export interface Ask {
  readonly priority: Priority;
  /** 0 < share ≤ 1 */
  readonly share: number;
  readonly now: number;
}

export interface Room {
  /** How many more calls we may make now; may be negative. */
  readonly calls: number;
  /** Why there are no more. */
  readonly reason: WaitReason;
  /** When there may be more room; now or earlier if that is not known. */
  readonly moreAt: number;
}

/** The part of the limit that is left to other applications, however much of it they use. */
const MARGIN = 0.05;
/** How many permits may be out at once for a bucket whose answers have no rate-limit headers. */
const HEADERLESS_CONCURRENCY = 6;
/** The smallest limit that Okta has published (`/api/v1/logs` of a free org). A bucket of unknown size may have it. */
const SMALLEST_LIMIT = 20;
/** How long to wait for calls that are out. Asking again sooner is useless, because an answer has to come in first. */
const IN_FLIGHT_MS = 1_000;
/**
 * For this long a probe does not lessen the part of delta runs: a permit is used within 20 s, lands within 5, and the
 * window is over a minute later.
 */
const MADE_UP_MS = 85_000;
/** For this long a probe counts against the next ones: no window holds both them and what was made up for it. */
const PROBE_MS = 180_000;

/** When to look again whether another caller's answer has settled calls of unknown fate: not before a probe may. */
const UNACCOUNTED_MS = 6_000;
/** So many calls of unknown fate, or a quarter of what a window may hold, are worth a probe. */
const WORTH_A_PROBE = 10;

const total = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);

/** The room that a bucket has for this priority now. */
export const roomOf = (ledger: Ledger, bucket: Bucket, ask: Ask): Room =>
  roomOfKnown(ledger, bucket, ask) ?? roomOfUnknown(ledger, bucket, ask);

/** The same; null when its limit is not known. */
const roomOfKnown = (ledger: Ledger, bucket: Bucket, ask: Ask): Room | null => {
  const { now, share, priority } = ask;
  const { limit } = bucketState(ledger, bucket);
  if (limit === null) return null;
  const use = useOf(ledger, bucket, limit, now);
  const { states, windowEnds, counted, lost, out } = use;
  const madeUp = Math.min(recentProbes(states, now, MADE_UP_MS).length, mostProbes(limit, share));
  const part = allowance(limit, share, priority, madeUp);
  const room = (ofLost: number, ofOut: number): number =>
    Math.min(part - counted - ofLost - ofOut, use.left - ofOut);
  const calls = room(lost, out);
  if (room(lost, 0) >= 1) {
    return { calls, reason: "in_flight", moreAt: Math.min(now + IN_FLIGHT_MS, ...windowEnds) };
  }
  if (room(0, 0) < 1) return { calls, reason: "share", moreAt: Math.min(...windowEnds) };
  const probe = probeAt(ledger, bucket, ask);
  const later = [...windowEnds, lossEndsAt(states, now), probe].flatMap((at) => at ?? []);
  const next = Math.min(now + UNACCOUNTED_MS, ...later.filter((at) => at > now));
  return { calls, reason: "unaccounted", moreAt: next };
};

/** What is used, or may be, of the windows of a bucket's family that are open now; all numbers are calls. */
interface Use {
  readonly states: readonly BucketState[];
  readonly windowEnds: readonly number[];
  readonly counted: number;
  readonly lost: number;
  readonly out: number;
  /** What all applications together have left, less the margin; infinite if no answer has told. */
  readonly left: number;
}

const useOf = (ledger: Ledger, bucket: Bucket, limit: number, now: number): Use => {
  const family = familyOf(ledger, bucket, limit);
  const states = family.map((member) => bucketState(ledger, member));
  const open = states.filter((state) => now < state.opensAt);
  return {
    states,
    windowEnds: open.map((state) => state.opensAt),
    counted: total(open.map((state) => state.counted)),
    lost: lostCalls(states, open, limit, now),
    out: total(family.map((member) => outstanding(ledger, member))),
    left: Math.min(...open.map((state) => state.remaining ?? limit)) - Math.ceil(limit * MARGIN),
  };
};

/**
 * How many calls of unknown fate may have landed in a window of this family that is open now. Those that an answer has
 * settled are bounded by what is used of the window, less our own calls that are known: for each bucket, and with the
 * fullest window for all together, which is more than any of them needs if they are not one bucket in Okta.
 */
const lostCalls = (
  states: readonly BucketState[],
  open: readonly BucketState[],
  limit: number,
  now: number,
): number => {
  const unknown = (used: readonly BucketState[]): number => {
    const remaining = Math.min(limit, ...used.map((state) => state.remaining ?? 0));
    return Math.max(0, limit - remaining - total(used.map((state) => state.counted)));
  };
  const settled = total(open.map((state) => Math.min(settledCalls(state, now), unknown([state]))));
  return total(states.map((state) => unsettledCalls(state, now))) + Math.min(settled, unknown(open));
};

/**
 * The room of a bucket of unknown size: one call to learn the size, or a few at once if Okta's answers do not tell it.
 * In Okta, the bucket may be the same as any bucket that is known, so each of these must have room as well. It may
 * also be the same as all others of unknown size together, and as small as a bucket can be.
 */
const roomOfUnknown = (ledger: Ledger, bucket: Bucket, ask: Ask): Room => {
  const { headerless } = bucketState(ledger, bucket);
  const atOnce: Room = {
    calls: (headerless ? HEADERLESS_CONCURRENCY : 1) - outstanding(ledger, bucket),
    reason: headerless ? "in_flight" : "learning",
    moreAt: 0,
  };
  const known = bucketsOf(ledger).flatMap((other) => roomOfKnown(ledger, other, ask) ?? []);
  const unknown = headerless ? [] : [roomOfAllUnknown(ledger, ask)];
  const bounds = [atOnce, ...known, ...unknown];
  const calls = Math.min(...bounds.map((bound) => bound.calls));
  // Whichever leaves no room for longest is the reason.
  const full = bounds.filter((bound) => bound.calls < 1);
  const last = full.reduce((a, b) => (b.moreAt > a.moreAt ? b : a), full[0] ?? atOnce);
  return { ...last, calls };
};

/** The room of all buckets of unknown size together, if they are one bucket of the smallest limit. */
const roomOfAllUnknown = (ledger: Ledger, { now, share, priority }: Ask): Room => {
  const unknown = bucketsOf(ledger).filter((bucket) => isUnknown(bucketState(ledger, bucket)));
  const states = unknown.map((bucket) => bucketState(ledger, bucket));
  const out = total(unknown.map((bucket) => outstanding(ledger, bucket)));
  const withoutOut =
    allowance(SMALLEST_LIMIT, share, priority) - total(states.map((state) => unsettledCalls(state, now)));
  const calls = withoutOut - out;
  if (withoutOut >= 1) return { calls, reason: "learning", moreAt: now };
  return { calls, reason: "unaccounted", moreAt: out > 0 ? now : (lossEndsAt(states, now) ?? now) };
};

/** Whether no answer has told the bucket's limit yet, but one still may. */
const isUnknown = ({ limit, headerless }: BucketState): boolean => limit === null && !headerless;

const recentProbes = (states: readonly BucketState[], now: number, withinMs = PROBE_MS): number[] =>
  states.flatMap(({ probes = [] }) => probes.filter((at) => now - at < withinMs)).sort((a, b) => a - b);

/**
 * From when on a call of this priority may probe a bucket whose only lack of room is calls of unknown fate; null if
 * none may. A probe is a call out of the interactive callers' part. Its answer settles what may have landed, so that a
 * caller that died with many permits is made up for in seconds. Probes are seconds apart, few of them may go beyond
 * what is background work's anyway, and with them and all that may have landed our share is still not exceeded.
 */
export const probeAt = (ledger: Ledger, bucket: Bucket, ask: Ask): number | null => {
  const { now, share, priority } = ask;
  const state = bucketState(ledger, bucket);
  const settles = settlesAt(state, now);
  if (priority === "interactive" || state.limit === null || settles === null) return null;
  const partOf = (whose: Priority): number => allowance(state.limit ?? 0, share, whose);
  const worthwhile = Math.min(WORTH_A_PROBE, Math.ceil(partOf(priority) / 4));
  if (unsettledCalls(state, now) < worthwhile) return null;
  const { states, counted, lost, out, left } = useOf(ledger, bucket, state.limit, now);
  const used = counted + lost + out;
  const probes = recentProbes(states, now);
  // While background work's part holds all that is used, former probes have cost nobody anything.
  if (used > partOf("background") && probes.length >= mostProbes(state.limit, share)) return null;
  if (used >= partOf("interactive") || left - out < 1) return null;
  return Math.max(settles, (probes.at(-1) ?? 0) + LANDING_MS);
};

/** Takes note of a probe that is granted. */
export const bookProbe = (state: BucketState, now: number): void => {
  state.probes = [...recentProbes([state], now), now];
};
