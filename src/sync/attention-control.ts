/** What needs a person in one stream, and since when. */
import type { Connection } from "../config/types.ts";
import type { StreamIdentity } from "../contract/objects.ts";
import type { Attention, SinkReport } from "../contract/status.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Meta } from "../inventory/meta.ts";
import { type AttentionFacts, attentionOf, sinceOf } from "./attention.ts";
import type { HookControl } from "./hook-control.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { OrgControl } from "./org-control.ts";
import type { Runs, SyncMeta } from "./store.ts";

interface AttentionDeps {
  readonly identity: StreamIdentity;
  /** The connection's settings; null while they are invalid. */
  readonly connection: () => Connection | null;
  readonly inventory: Inventory;
  readonly meta: Meta<SyncMeta>;
  readonly runs: Runs;
  readonly lifecycle: Lifecycle;
  readonly org: OrgControl;
  readonly hooks: HookControl;
  /** ms since the epoch */
  readonly now: () => number;
}

/** The needs of one stream. */
export class AttentionControl {
  readonly #deps: AttentionDeps;

  constructor(deps: AttentionDeps) {
    this.#deps = deps;
  }

  /** What needs a person now, the most urgent first. @param sinks the stream's */
  list(sinks: readonly SinkReport[]): readonly Attention[] {
    return attentionOf(this.#facts(), this.#deps.meta.get("attentionSince") ?? {}, sinks);
  }

  /** Remembers since when each thing that needs a person is known. */
  note(): void {
    const { meta } = this.#deps;
    const before = meta.get("attentionSince") ?? {};
    const since = sinceOf(this.#facts(), before);
    if (JSON.stringify(since) !== JSON.stringify(before)) meta.set("attentionSince", since);
  }

  #facts(): AttentionFacts {
    const { identity, connection, inventory, runs, lifecycle, org, hooks, now } = this.#deps;
    return {
      stream: identity.stream,
      org: org.known,
      held: inventory.sweeps.absentees().waiting,
      credential: connection()?.credential.kind ?? null,
      runs: runs.inProgress(),
      hooksSilentSince: hooks.silentSince,
      lastSuccessAt: lifecycle.schedule.lastSuccessAt,
      now: now(),
    };
  }
}
