/** Who holds permits: holders check in whenever they speak with the gate, and may vanish with what they hold. Pure. */
import type { Bucket } from "../endpoints.ts";
import { bucketState, bucketsOf, type HolderState, type Ledger, type Priority } from "./ledger-state.ts";
import { lose } from "./losses.ts";

/** What holders of the version before need: they use permits for a minute, and a call takes half a minute. */
const GONE_AFTER_MS = 90_000;

/** Permits of a bucket that are handed out and not yet reported. */
export const outstanding = (ledger: Ledger, bucket: Bucket): number =>
  Object.values(ledger.holders).reduce((sum, holder) => sum + (holder.out[bucket] ?? 0), 0);

/** The same of interactive holders, for all buckets. */
export const outstandingInteractive = (ledger: Ledger): number =>
  Object.values(ledger.holders)
    .filter((holder) => holder.priority === "interactive")
    .reduce((sum, holder) => sum + Object.values(holder.out).reduce((a, b) => a + b, 0), 0);

/** From when on a holder that says nothing is gone: whatever it has called has ended by then. */
const goneAt = ({ touchedAt, goneAfterMs = GONE_AFTER_MS }: HolderState): number => touchedAt + goneAfterMs;

/** The permits of a holder that is gone may have been used, but not any later than it may use them at all. */
const retire = (ledger: Ledger, holder: HolderState, now: number): void => {
  const at = Math.min(now, goneAt(holder));
  for (const bucket of bucketsOf(ledger)) lose(bucketState(ledger, bucket), holder.out[bucket] ?? 0, at);
};

/**
 * Takes note of who is asking, and of who has silently gone.
 * @param holder.goneAfterMs how long it may be silent before it is gone, ms; not given by holders of the version before
 */
export const checkIn = (
  ledger: Ledger,
  holder: { name: string; incarnation: string; priority: Priority; goneAfterMs?: number },
  now: number,
): void => {
  for (const [name, state] of Object.entries(ledger.holders)) {
    const restarted = name === holder.name && state.incarnation !== holder.incarnation;
    if (restarted || now > goneAt(state)) {
      retire(ledger, state, now);
      delete ledger.holders[name];
    }
  }
  const present = ledger.holders[holder.name];
  if (present) present.touchedAt = now;
  else {
    ledger.holders[holder.name] = {
      incarnation: holder.incarnation,
      touchedAt: now,
      out: {},
      priority: holder.priority,
      ...(holder.goneAfterMs !== undefined && { goneAfterMs: holder.goneAfterMs }),
    };
  }
};

/** Gives back all permits of a holder that did not use them. */
export const release = (ledger: Ledger, holderName: string): void => {
  delete ledger.holders[holderName];
};

/** Hands permits to a holder that has checked in. */
export const handOut = (ledger: Ledger, holderName: string, bucket: Bucket, permits: number): void => {
  const holder = ledger.holders[holderName];
  if (holder) holder.out[bucket] = (holder.out[bucket] ?? 0) + permits;
};

/** A holder has reported what came of one of its permits. */
export const takeBack = (ledger: Ledger, holderName: string, bucket: Bucket): void => {
  const holder = ledger.holders[holderName];
  const held = holder?.out[bucket] ?? 0;
  if (holder && held > 0) holder.out[bucket] = held - 1;
};
