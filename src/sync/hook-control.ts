/** Following event hooks: what a stream remembers of them, and when it polls because of them. */
import type { Meta } from "../inventory/meta.ts";
import {
  type HookState,
  hookCame,
  nextPollAt,
  pollBegins,
  silentSince,
  turned,
  withAwaited,
} from "./hooks.ts";
import type { SyncMeta } from "./store.ts";

/** Named events that are kept in memory until the next poll begins, at most. */
const MAX_FRESH = 100;

interface HookDeps {
  readonly meta: Meta<SyncMeta>;
  /** Whether the connection takes hooks. */
  readonly takesHooks: () => boolean;
  /** Lets a delta run poll the log. */
  readonly follow: () => void;
  readonly transaction: (work: () => void) => void;
  /** ms since the epoch */
  readonly now: () => number;
}

/** The event hooks of one stream. */
export class HookControl {
  readonly #deps: HookDeps;
  /** Events that were named since the state was stored: thousands of hooks a minute must not cost a row each. */
  readonly #fresh = new Set<string>();
  /** When a poll may be due; undefined until it is known. It may be earlier than what is stored, never later. */
  #dueAt: number | null | undefined;

  constructor(deps: HookDeps) {
    this.#deps = deps;
  }

  get #state(): HookState | null {
    return this.#deps.meta.get("hooks");
  }

  /** When the last hook came, to the minute, ms since the epoch; null if none came. */
  get lastAt(): number | null {
    return this.#state?.at ?? null;
  }

  /** Since when hooks that used to come are missing, ms since the epoch; null if none is missed. */
  get silentSince(): number | null {
    return this.#deps.takesHooks() ? silentSince(this.#state, this.#deps.now()) : null;
  }

  /** When the log is to be polled next because of hooks, ms since the epoch; null if it is not. */
  get dueAt(): number | null {
    if (this.#dueAt === undefined) this.#readDue();
    return this.#dueAt ?? null;
  }

  /** Takes note of whether the connection takes hooks. */
  noteSetting(): void {
    const { meta, takesHooks } = this.#deps;
    const before = this.#state;
    if (before === null) return;
    const after = turned(before, takesHooks());
    if (after === before) return;
    meta.set("hooks", after);
    this.#readDue();
  }

  #readDue(): void {
    const state = this.#state;
    this.#dueAt = state === null ? null : nextPollAt(state);
  }

  /** A hook has come. @param uuids the log events that it names */
  came(uuids: readonly string[]): void {
    const { meta, now } = this.#deps;
    const before = this.#state;
    for (const uuid of uuids) if (this.#fresh.size < MAX_FRESH) this.#fresh.add(uuid);
    const after = hookCame(before, [...this.#fresh], now());
    if (after === before) return;
    this.#fresh.clear();
    meta.set("hooks", after);
    this.#readDue();
  }

  /** Begins the poll that is due, if one is. */
  work(): void {
    const { meta, now, transaction, follow } = this.#deps;
    if ((this.dueAt ?? Number.POSITIVE_INFINITY) > now()) return;
    // What the log has shown since may have made it needless.
    this.#readDue();
    const state = this.#state;
    if (state === null || (this.dueAt ?? Number.POSITIVE_INFINITY) > now()) return;
    transaction(() => {
      meta.set("hooks", pollBegins(withAwaited(state, [...this.#fresh], now()), now()));
      follow();
    });
    this.#fresh.clear();
    this.#readDue();
  }
}
