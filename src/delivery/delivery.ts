/** One stream's delivery to one sink, whatever object it lives in. */

import type { DeliveryIdentity } from "../contract/objects.ts";
import type { SinkReport } from "../contract/status.ts";
import { isLostAlarm } from "../lib/alarm.ts";
import { sha256Hex } from "../lib/bytes.ts";
import { errorFields, log } from "../lib/log.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { DeadLettersDocument } from "./api.ts";
import { deadLettersPage, deliveryStatus, noDeadLetters, untouchedStatus } from "./documents.ts";
import type { ReadEvents } from "./pending-events.ts";
import type { ConfiguredSink, SinkSettings } from "./settings-types.ts";
import { retry, type SinkTools } from "./sink.ts";
import { deliverSlice, nextWorkAt } from "./slice.ts";
import { newSnapshot } from "./snapshot.ts";
import { afresh, type DeliveryState, failed, rewound } from "./state.ts";
import { DeliveryStore } from "./store.ts";

export interface DeliveryDeps {
  readonly identity: DeliveryIdentity;
  readonly storage: DurableObjectStorage;
  /** The sink; null when it is not configured, or refused, or does not take the stream. */
  readonly sink: () => ConfiguredSink | null;
  readonly events: ReadEvents;
  readonly fetch: typeof fetch;
  readonly binding: (name: string) => unknown;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
  /** Called when the sink begins or ceases to need a person. */
  readonly needsChanged?: () => void;
  /** The most HTTP requests in one alarm, so that the free plan's 50 subrequests suffice. */
  readonly requestsPerSlice: number;
}

/** The longest slice: short enough that replays and removals act soon. */
const sliceMs = 20_000;

export class Delivery {
  readonly #deps: DeliveryDeps;
  readonly #store: DeliveryStore;
  /** Grows when a running slice must not write any more: the cursor was moved, or everything deleted. */
  #epoch = 0;
  #running = false;

  constructor(deps: DeliveryDeps) {
    this.#deps = deps;
    this.#store = new DeliveryStore(deps.storage);
  }

  /** There may be events up to `head`: sets everything up the first time, and the alarm where it is needed. */
  async wake(head: number): Promise<void> {
    if ((await this.#prepare()) === null) return;
    const state = this.#store.state();
    this.#store.saveHead(Math.max(head, this.#store.head()));
    if (head > state.position && state.behindSince === null) {
      this.#store.saveState({ ...state, behindSince: this.#deps.now() });
    }
    // A head behind the cursor means a stream that was set up anew; the slice asks the stream itself.
    await this.#arm(head < state.position);
  }

  /** Also keeps the whole inventory, as it is after a full run, if the sink keeps any. */
  async snapshot(runId: string): Promise<void> {
    const sink = await this.#prepare();
    if (sink === null || sink.snapshots === null) return;
    const current = this.#store.snapshot();
    if (current?.runId === runId) return;
    this.#store.saveSnapshot(
      current === null ? newSnapshot(runId, this.#deps.now()) : { ...current, nextRunId: runId },
    );
    await this.#arm();
  }

  status(sink: Pick<SinkSettings, "name" | "type">, head: number): SinkReport {
    return this.#store.exists()
      ? deliveryStatus(sink, head, this.#store, this.#deps.now())
      : untouchedStatus(sink, head);
  }

  /**
   * Moves the cursor back to `after`, so that everything later is sent again, in its newest state.
   * @returns where the cursor stands; `conflict` when `after` is ahead of it, which would skip events, or
   *   when the sink does not run.
   */
  async replay(after: number): Promise<Result<{ position: number }, { code: "conflict"; message: string }>> {
    if ((await this.#prepare()) === null) {
      const { sink, stream } = this.#deps.identity;
      return err({ code: "conflict", message: `There is no sink ${sink} that runs for ${stream}.` });
    }
    const state = this.#store.state();
    if (after > state.position) {
      const message = `The sink stands at ${state.position}; a replay can only go back.`;
      return err({ code: "conflict", message });
    }
    this.#epoch += 1;
    this.#store.saveState(rewound(state, after));
    await this.#arm();
    return ok({ position: after });
  }

  /** In sequence order. `next` is the sequence to continue after; null at the end. */
  deadLetters(after: number, limit: number): DeadLettersDocument {
    return this.#store.exists() ? deadLettersPage(this.#store.deadLetters, after, limit) : noDeadLetters;
  }

  /** Tries dead letters once more, or forgets them; all of them without ids. @returns how many. */
  async settleDeadLetters(action: "retry" | "drop", ids: readonly string[] | null): Promise<number> {
    if (!this.#store.exists()) return 0;
    const { deadLetters } = this.#store;
    if (action === "drop") return deadLetters.drop(ids);
    const count = deadLetters.retry(ids);
    // A person asked: whatever the backoff says, try now.
    if (count > 0) this.#store.saveState({ ...this.#store.state(), nextTryAt: null });
    await this.#arm();
    return count;
  }

  /** The sink is no longer configured: leaves nothing behind. */
  async retire(): Promise<void> {
    this.#epoch += 1;
    await this.#store.clear();
  }

  /** One slice of work, and the alarm for the next. Never throws, because a throwing alarm is dropped in the end. */
  async alarm(): Promise<void> {
    if (!this.#store.exists()) return;
    const sink = await this.#prepare();
    if (sink === null) return;
    const epoch = this.#epoch;
    const before = this.#store.state();
    const needs = this.#needs();
    this.#running = true;
    try {
      await this.#slice(sink, () => epoch === this.#epoch);
    } catch (thrown) {
      log("error", "delivery_failed", { ...this.#deps.identity, ...errorFields(thrown) });
      this.#saveBug(thrown, epoch);
    } finally {
      this.#running = false;
    }
    this.#report(before);
    if (this.#needs() !== needs) this.#deps.needsChanged?.();
    await this.#arm();
  }

  /** What the sink needs a person for, as one word. */
  #needs(): string {
    if (!this.#store.exists()) return "";
    const { status, refusing } = this.#store.state();
    const isStopped = status === "stopped";
    return `${isStopped ? (refusing ? "refusing" : "stopped") : "ok"}/${this.#store.deadLetters.count() > 0}`;
  }

  async #slice(sink: ConfiguredSink, isCurrent: () => boolean): Promise<void> {
    const deps = this.#deps;
    const startedAt = deps.now();
    let requests = 0;
    const tools: SinkTools = {
      fetch: (...request) => {
        requests += 1;
        return deps.fetch(...request);
      },
      now: deps.now,
      connection: deps.identity.connection,
      stream: deps.identity.stream,
      binding: deps.binding,
    };
    const opened = sink.open(tools);
    const form = { dialect: sink.dialect, omitNulls: opened.omitNulls };
    await deliverSlice({
      store: this.#store,
      sink: opened,
      snapshots: sink.snapshots?.(tools) ?? null,
      read: (after, limit) => deps.events({ after, limit, ...form, ...(sink.changes && { changes: true }) }),
      readAssets: (after, limit) => deps.events({ after, limit, ...form }),
      now: deps.now,
      random: deps.random,
      mayGoOn: () => requests < deps.requestsPerSlice && deps.now() - startedAt < sliceMs,
      isCurrent,
    });
  }

  /** A slice that threw is tried again like one that failed. */
  #saveBug(thrown: unknown, epoch: number): void {
    if (epoch !== this.#epoch || !this.#store.exists()) return;
    const name = thrown instanceof Error ? thrown.name : "error";
    const message = `an internal ${name}; the log has it`;
    const { now, random } = this.#deps;
    const failure = retry({ code: "unavailable", status: null, message });
    this.#store.saveState(failed(this.#store.state(), failure, { now: now(), random }));
  }

  /** Logs it when a sink begins to fail, stops, or works again. */
  #report(before: DeliveryState): void {
    if (!this.#store.exists()) return;
    const { status, lastError, position } = this.#store.state();
    if (status === before.status) return;
    log(status === "ok" ? "info" : "warn", `sink_${status}`, {
      ...this.#deps.identity,
      position,
      error: lastError,
    });
  }

  /** Creates what is missing and takes note of changed settings. @returns the sink; null when it does not run */
  async #prepare(): Promise<ConfiguredSink | null> {
    const sink = this.#deps.sink();
    if (sink === null) return null;
    const fingerprint = await sha256Hex(JSON.stringify(sink.settings));
    this.#store.create();
    const setup = this.#store.setup();
    if (setup?.fingerprint === fingerprint) return sink;
    this.#store.transaction(() => {
      const state = this.#store.state();
      if (setup !== null && setup.type !== sink.type) {
        // Another product under the same name has nothing of what the first one got.
        this.#epoch += 1;
        this.#store.saveState(rewound(state, 0));
        this.#store.deadLetters.clear();
        this.#store.saveSnapshot(null);
        this.#store.saveFollowUpError(null);
      } else if (setup !== null) {
        this.#store.saveState(afresh(state));
      }
      this.#store.saveSetup({ ...this.#deps.identity, type: sink.type, fingerprint });
    });
    return sink;
  }

  /** Sets the alarm for the next piece of work, unless one is due earlier. A running slice sets it at its end. */
  async #arm(now = false): Promise<void> {
    if (this.#running || !this.#store.exists()) return;
    const at = now ? this.#deps.now() : nextWorkAt(this.#store, this.#deps.now());
    if (at === null) return;
    const current = await this.#deps.storage.getAlarm();
    if (current === null || current > at || isLostAlarm(current, this.#deps.now())) {
      await this.#deps.storage.setAlarm(at);
    }
  }
}
