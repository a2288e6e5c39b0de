/** What the parts of a slice work with. */
import type { ReadPage } from "./pending-events.ts";
import type { Outcome, Sink, SnapshotWriter } from "./sink.ts";
import { failed, type Moment } from "./state.ts";
import type { DeliveryStore } from "./store.ts";

export interface SliceTools {
  readonly store: DeliveryStore;
  readonly sink: Sink;
  /** Null for a sink that keeps no whole inventories. */
  readonly snapshots: SnapshotWriter | null;
  readonly read: ReadPage;
  /** The same without the events of changes. */
  readonly readAssets: ReadPage;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
  /** Whether there is room for one more request in this slice. */
  readonly mayGoOn: () => boolean;
  /** Turns false when the cursor was moved or the sink retired meanwhile: then nothing more is written. */
  readonly isCurrent: () => boolean;
  /** How often the sink had taken something when the slice began. */
  readonly takenBefore: number;
}

/** The most events in a page of the inventory that is read. */
export const largestPage = 500;

export const momentOf = ({ now, random }: SliceTools): Moment => ({ now: now(), random });

/** Writes down that something failed, unless the slice must not write any more. */
export const saveFailure = (tools: SliceTools, failure: Outcome<"retry" | "stopped">): void => {
  if (!tools.isCurrent()) return;
  tools.store.saveState(failed(tools.store.state(), failure, momentOf(tools)));
};

/** How soon to ask again while the stream gives new numbers to its assets, which takes it seconds. */
const settlingPollMs = 1000;

/** The stream cannot give events at present: asks again soon. Nothing failed, so the status stays as it is. */
export const postponed = (tools: SliceTools): false => {
  const { store } = tools;
  if (tools.isCurrent()) store.saveState({ ...store.state(), nextTryAt: tools.now() + settlingPollMs });
  return false;
};
