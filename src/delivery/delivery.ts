/** One stream's delivery to one sink, whatever object it lives in. */

import type { DeliveryIdentity } from "../contract/objects.ts";
import type { SinkStatusDocument } from "../contract/status.ts";
import { sha256Hex } from "../lib/bytes.ts";
import { errorFields, log } from "../lib/log.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { DeadLettersDocument } from "./api.ts";
import type { ReadEvents } from "./pending-events.ts";
import { type DeliveryState, failed, rewound } from "./progress.ts";
import type { ConfiguredSink, SinkSettings } from "./settings-types.ts";
import type { SinkTools } from "./sink.ts";
import { newSnapshot, nextWorkAt, runSlice } from "./slice.ts";
import { type DeadLetter, DeliveryStore } from "./store.ts";

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
  /** The most HTTP requests in one alarm, so that the free plan's 50 subrequests suffice. */
  readonly requestsPerSlice: number;
}

/** The longest slice: short enough that replays and removals act soon. */
const sliceMs = 20_000;

/** What waiting on the old settings taught is forgotten with them. */
const afresh = (state: DeliveryState): DeliveryState => ({
  ...state,
  failures: 0,
  nextTryAt: null,
  learnedLimit: null,
  suspectLast: null,
  refusedInARow: 0,
  receipt: null,
});

const isoOrNull = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

const deadLetterDocument = (letter: DeadLetter): DeadLettersDocument["dead_letters"][number] => ({
  id: letter.id,
  asset_id: letter.assetId,
  sequence: letter.sequence,
  code: letter.code,
  http_status: letter.httpStatus,
  message: letter.message,
  first_at: new Date(letter.firstAt).toISOString(),
  last_at: new Date(letter.lastAt).toISOString(),
  attempts: letter.attempts,
  retrying: letter.retrying,
});

/** The status of a sink that has nothing yet. */
export const untouchedStatus = (
  settings: Pick<SinkSettings, "name" | "type">,
  head: number,
): SinkStatusDocument => ({
  name: settings.name,
  type: settings.type,
  state: "ok",
  position: 0,
  lag_events: head,
  lag_seconds: 0,
  last_error: null,
  next_try_at: null,
  dead_letters: 0,
});

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

  /** There may be events up to `head`: sets everything up at the first time, and the alarm where it is needed. */
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

  /** Also keeps the whole inventory, as it is after a full run, where the sink can. */
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

  status(settings: Pick<SinkSettings, "name" | "type">, head: number): SinkStatusDocument {
    if (!this.#store.exists()) return untouchedStatus(settings, head);
    const state = this.#store.state();
    const now = this.#deps.now();
    const lag = Math.max(0, head - state.position);
    return {
      name: settings.name,
      type: settings.type,
      state: state.status,
      position: state.position,
      lag_events: lag,
      lag_seconds: lag === 0 ? 0 : Math.max(0, Math.floor((now - (state.behindSince ?? now)) / 1000)),
      last_error: state.lastError ?? this.#store.followUpError(),
      next_try_at: state.nextTryAt !== null && state.nextTryAt > now ? isoOrNull(state.nextTryAt) : null,
      dead_letters: this.#store.deadLetterCount(),
    };
  }

  /**
   * Moves the cursor back to `after`, so that everything later is sent again, in its newest state.
   * @returns where the cursor stands; `conflict` when `after` is ahead of it, which would skip events, or
   *   when the sink does not run.
   */
  async replay(after: number): Promise<Result<{ position: number }, { code: "conflict"; message: string }>> {
    if ((await this.#prepare()) === null) {
      return err({
        code: "conflict",
        message: `There is no sink ${this.#deps.identity.sink} that runs for ${this.#deps.identity.stream}.`,
      });
    }
    const state = this.#store.state();
    if (after > state.position) {
      return err({
        code: "conflict",
        message: `The sink stands at ${state.position}; a replay can only go back.`,
      });
    }
    this.#epoch += 1;
    this.#store.saveState(rewound(state, after));
    await this.#arm();
    return ok({ position: after });
  }

  /** In sequence order. `next` is the sequence to go on after; null at the end. */
  deadLetters(after: number, limit: number): DeadLettersDocument {
    if (!this.#store.exists()) return { dead_letters: [], total: 0, next: null };
    const letters = this.#store.deadLetters(after, limit + 1);
    const page = letters.slice(0, limit);
    return {
      dead_letters: page.map(deadLetterDocument),
      total: this.#store.deadLetterCount(),
      next: letters.length > limit ? (page.at(-1)?.sequence ?? null) : null,
    };
  }

  /** Tries dead letters once more, or forgets them; all of them without ids. @returns how many. */
  async settleDeadLetters(action: "retry" | "drop", ids: readonly string[] | null): Promise<number> {
    if (!this.#store.exists()) return 0;
    if (action === "drop") return this.#store.dropDeadLetters(ids);
    const count = this.#store.retryDeadLetters(ids);
    const state = this.#store.state();
    // A person asked: whatever the backoff says, try now.
    if (count > 0) this.#store.saveState({ ...state, nextTryAt: null, refusedInARow: 0 });
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
    this.#running = true;
    try {
      await this.#slice(sink, () => epoch === this.#epoch);
    } catch (thrown) {
      log("error", "delivery_failed", { ...this.#identityFields(), ...errorFields(thrown) });
      this.#failed(thrown, epoch);
    } finally {
      this.#running = false;
    }
    this.#report(before);
    await this.#arm();
  }

  async #slice(sink: ConfiguredSink, isCurrent: () => boolean): Promise<void> {
    const deps = this.#deps;
    let requests = 0;
    const startedAt = deps.now();
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
    await runSlice({
      store: this.#store,
      sink: sink.open(tools),
      snapshots: sink.snapshots?.(tools) ?? null,
      dialect: sink.dialect,
      events: deps.events,
      now: deps.now,
      random: deps.random,
      mayGoOn: () => requests < deps.requestsPerSlice && deps.now() - startedAt < sliceMs,
      isCurrent,
    });
  }

  #failed(thrown: unknown, epoch: number): void {
    if (epoch !== this.#epoch || !this.#store.exists()) return;
    const name = thrown instanceof Error ? thrown.name : "error";
    const error = {
      code: "unavailable",
      status: null,
      message: `an internal ${name}; the log has it`,
    } as const;
    const context = { now: this.#deps.now(), random: this.#deps.random };
    this.#store.saveState(failed(this.#store.state(), "retry", error, null, context));
  }

  /** Tells the log when a sink begins to fail, stops, or works again. */
  #report(before: DeliveryState): void {
    if (!this.#store.exists()) return;
    const { status, lastError, position } = this.#store.state();
    if (status === before.status) return;
    log(status === "ok" ? "info" : "warn", `sink_${status}`, {
      ...this.#identityFields(),
      position,
      error: lastError,
    });
  }

  /** Creates what is missing and takes note of changed settings. */
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
        this.#store.dropDeadLetters(null);
        this.#store.saveSnapshot(null);
        this.#store.saveFollowUpError(null);
      } else if (setup !== null) {
        this.#store.saveState(afresh(state));
      }
      this.#store.saveSetup({ ...this.#deps.identity, type: sink.type, fingerprint });
    });
    return sink;
  }

  /** Sets the alarm for the next piece of work, unless one is due earlier or a slice is on, which does it itself. */
  async #arm(now = false): Promise<void> {
    if (this.#running || !this.#store.exists()) return;
    const at = now ? this.#deps.now() : nextWorkAt(this.#store, this.#deps.now());
    if (at === null) return;
    const current = await this.#deps.storage.getAlarm();
    if (current === null || current > at) await this.#deps.storage.setAlarm(at);
  }

  #identityFields() {
    const { connection, stream, sink } = this.#deps.identity;
    return { connection, stream, sink };
  }
}
