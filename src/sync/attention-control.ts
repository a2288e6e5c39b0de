/** What needs a person in one stream, and since when. */
import type { Connection } from "../config/types.ts";
import type { StreamIdentity } from "../contract/objects.ts";
import type { Attention, SinkReport } from "../contract/status.ts";
import type { Inventory } from "../inventory/inventory.ts";
import type { Meta } from "../inventory/meta.ts";
import type { SpentQuota } from "../lib/quota.ts";
import { type AttentionFacts, attentionOf, needsOf, sinceOf } from "./attention.ts";
import type { HookControl } from "./hook-control.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { DatedNeed } from "./needs.ts";
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
  #quotas: readonly SpentQuota[] = [];

  constructor(deps: AttentionDeps) {
    this.#deps = deps;
  }

  /** What needs a person now, the most urgent first. @param sinks the stream's */
  list(sinks: readonly SinkReport[]): readonly Attention[] {
    return this.needs(sinks).map(attentionOf);
  }

  /** The same, as it is told in alerts. */
  needs(sinks: readonly SinkReport[]): readonly DatedNeed[] {
    return needsOf(this.#facts(), this.#deps.meta.get("attentionSince") ?? {}, sinks);
  }

  /** Takes note of a quota that is used up. It cannot be stored: that may be what the quota is for. */
  spent(quota: SpentQuota): void {
    this.#quotas = [
      ...this.#quotas.filter(({ what, until }) => what !== quota.what && until >= quota.until),
      quota,
    ];
  }

  /**
   * The same of a quota that others have run into. What it is for is not the stream's storage, so it is stored: whoever
   * has told does not tell again.
   */
  told(quota: SpentQuota): void {
    const { meta, now } = this.#deps;
    const others = this.#told.filter(({ what, until }) => what !== quota.what && until > now());
    meta.set("quotas", [...others, quota]);
    this.note();
  }

  get #told(): readonly SpentQuota[] {
    return this.#deps.meta.get("quotas") ?? [];
  }

  /** Remembers since when each thing that needs a person is known. */
  note(): void {
    const { meta } = this.#deps;
    const before = meta.get("attentionSince") ?? {};
    const since = sinceOf(this.#facts(), before);
    if (JSON.stringify(since) !== JSON.stringify(before)) meta.set("attentionSince", since);
  }

  #facts(): AttentionFacts {
    const { identity, connection, inventory, meta, runs, lifecycle, org, hooks, now } = this.#deps;
    return {
      stream: identity.stream,
      org: org.known,
      held: inventory.sweeps.absentees().waiting,
      credential: connection()?.credential.kind ?? null,
      runs: runs.inProgress(),
      lost: meta.get("lost") ?? {},
      quotas: [
        ...this.#quotas,
        ...this.#told.filter(({ what }) => !this.#quotas.some((quota) => quota.what === what)),
      ],
      hooksSilentSince: hooks.silentSince,
      lastSuccessAt: lifecycle.schedule.lastSuccessAt,
      now: now(),
    };
  }
}
