/**
 * What a stream tells of trouble and changes, so that somebody is alerted. Best effort: it can hold up nothing, and what did
 * not arrive is told again.
 */
import type { ChangeCode, ReportedChange, StreamReport } from "../contract/alerts.ts";
import type { StreamIdentity } from "../contract/objects.ts";
import type { Meta } from "../inventory/meta.ts";
import { errorFields, log } from "../lib/log.ts";
import type { DatedNeed } from "./needs.ts";
import type { SyncMeta } from "./store.ts";

/** More changes than this do not wait to be told: the oldest are left out. */
const MOST_CHANGES = 200;

/** Those who are to be alerted. */
export interface AlertListeners {
  /** Whether anybody wants to hear of trouble. */
  readonly wantsAlerts: () => boolean;
  /** The changes that somebody wants to hear of. */
  readonly wantedChanges: () => ReadonlySet<ChangeCode>;
  readonly report: (report: StreamReport) => Promise<void>;
}

interface AlertReportsDeps extends AlertListeners {
  readonly identity: StreamIdentity;
  readonly meta: Meta<SyncMeta>;
}

/** What of needs decides whether there is something new to tell. */
const digestOf = (needs: readonly DatedNeed[]): string =>
  JSON.stringify(needs.map(({ code, severity, about }) => [code, severity, about]));

export class AlertReports {
  readonly #deps: AlertReportsDeps;
  /** The needs that were reported last, without those of sinks; null if that is not known. */
  #reported: string | null = null;

  constructor(deps: AlertReportsDeps) {
    this.#deps = deps;
  }

  /** Takes note of a change that somebody wants to hear of. The caller opens the transaction. */
  noteChange(change: ReportedChange): void {
    const { meta, wantedChanges } = this.#deps;
    if (!wantedChanges().has(change.code)) return;
    meta.set("changes", [...(meta.get("changes") ?? []), change].slice(-MOST_CHANGES));
  }

  /**
   * Reports what needs a person, unless it is as it was and nothing has changed. Never throws.
   * @param sinksAsked whether `needs` says also what sinks need; such a report is always made
   */
  async tell(needs: readonly DatedNeed[], sinksAsked: boolean): Promise<void> {
    const { identity, meta, wantsAlerts, report } = this.#deps;
    if (!wantsAlerts()) return;
    const changes = meta.get("changes") ?? [];
    const digest = digestOf(needs);
    if (!sinksAsked && digest === this.#reported && changes.length === 0) return;
    try {
      await report({ stream: identity.stream, needs, sinksAsked, changes });
    } catch (error) {
      return log("warn", "alerts_not_told", { ...identity, ...errorFields(error) });
    }
    this.#reported = sinksAsked ? null : digest;
    if (changes.length === 0) return;
    const told = new Set(changes.map(({ uuid }) => uuid));
    const left = (meta.get("changes") ?? []).filter(({ uuid }) => !told.has(uuid));
    if (left.length === 0) meta.delete("changes");
    else meta.set("changes", left);
  }
}
