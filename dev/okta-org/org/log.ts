import type { Random } from "./random.ts";
import { sortedIndex } from "./table.ts";
import type { LogActor, OktaLogEvent } from "./types.ts";

/** How long Okta keeps events. */
export const LOG_RETENTION_MS = 90 * 86_400_000;

export interface LogEntry {
  /** Position in the order in which events became readable; polling follows it. */
  seq: number;
  persistedAt: number;
  event: OktaLogEvent;
}

export interface LogSettings {
  now: () => number;
  random: Random;
  delayMs: () => number;
  shuffle: () => boolean;
  duplicates: () => number;
  /** Called with each event as it happens. */
  tell: (event: OktaLogEvent) => void;
}

export interface LogInput {
  eventType: string;
  actor?: LogActor;
  /** The address that it was done from. Without one, the event's client has only nulls, as for what Okta does itself. */
  ip?: string | null;
  targets?: LogActor[];
  outcome?: string;
  /** Why it had this outcome. */
  reason?: string;
  debugData?: Record<string, string>;
  /** When it happened, ms by the org's clock. The default is now. */
  at?: number;
}

/** The actor of changes that nobody in the org made. */
export const SYSTEM_ACTOR: LogActor = {
  id: "00u000000000SYSTEM00",
  type: "SystemPrincipal",
  alternateId: "system@okta.com",
  displayName: "Okta System",
};

const hopOf = (ip: string): OktaLogEvent["request"]["ipChain"][number] => ({
  ip,
  geographicalContext: null,
  version: ip.includes(":") ? "V6" : "V4",
  source: null,
});

/** The System Log: events become readable in persistence order, which need not be the published one. */
export class SystemLog {
  readonly #settings: LogSettings;
  #entries: LogEntry[] = [];
  #pending: { readyAt: number; event: OktaLogEvent }[] = [];
  #nextSeq = 1;

  constructor(settings: LogSettings) {
    this.#settings = settings;
  }

  /** Publishes an event now; it becomes readable after the log's delay. */
  write(input: LogInput): OktaLogEvent {
    const { random, now, delayMs, shuffle, duplicates, tell } = this.#settings;
    const publishedAt = input.at ?? now();
    const ip = input.ip ?? null;
    const event: OktaLogEvent = {
      uuid: random.uuid(),
      published: new Date(publishedAt).toISOString(),
      eventType: input.eventType,
      version: "0",
      severity: "INFO",
      displayMessage: input.eventType.replaceAll(/[._]/g, " "),
      actor: { ...(input.actor ?? SYSTEM_ACTOR), detailEntry: null },
      client: {
        userAgent: null,
        zone: null,
        device: null,
        id: null,
        ipAddress: ip,
        geographicalContext: null,
      },
      outcome: { result: input.outcome ?? "SUCCESS", reason: input.reason ?? null },
      target: input.targets?.map((target) => ({ ...target, detailEntry: null })) ?? null,
      transaction: { type: "WEB", id: random.id("trs"), detail: {} },
      debugContext: { debugData: input.debugData ?? {} },
      authenticationContext: { externalSessionId: null },
      request: { ipChain: ip === null ? [] : [hopOf(ip)] },
    };
    const delay = shuffle() ? Math.floor(random.next() * delayMs()) : delayMs();
    this.#pending.push({ readyAt: publishedAt + delay, event });
    if (random.chance(duplicates())) this.#pending.push({ readyAt: publishedAt + delay, event });
    tell(event);
    return event;
  }

  /** Entries that can be read now, in persistence order. Entries older than the retention are gone. */
  entries(): readonly LogEntry[] {
    const now = this.#settings.now();
    if (this.#pending.length > 0) {
      const ready = this.#pending.filter((item) => item.readyAt <= now);
      this.#pending = this.#pending.filter((item) => item.readyAt > now);
      ready.sort((a, b) => a.readyAt - b.readyAt);
      if (this.#settings.shuffle()) this.#settings.random.shuffle(ready);
      for (const { event, readyAt } of ready) {
        // Persistence time never goes back, whatever order the events came in.
        const persistedAt = Math.max(readyAt, this.#entries.at(-1)?.persistedAt ?? 0);
        this.#entries.push({ seq: this.#nextSeq++, persistedAt, event });
      }
    }
    const oldest = now - LOG_RETENTION_MS;
    if ((this.#entries[0]?.persistedAt ?? now) < oldest) {
      this.#entries = this.#entries.filter((entry) => entry.persistedAt >= oldest);
    }
    return this.#entries;
  }

  /** Index of the first entry after a sequence. */
  indexAfter(seq: number): number {
    const entries = this.entries();
    const first = entries[0]?.seq ?? this.#nextSeq;
    // Sequences are consecutive, so the index follows from the first one.
    return Math.min(entries.length, Math.max(0, seq + 1 - first));
  }

  /** Index of the first entry that was persisted at or after an instant. */
  indexSince(at: number): number {
    return sortedIndex(
      this.entries().map((entry) => entry.persistedAt),
      at,
    );
  }

  /** Sequence of the newest readable entry; 0 when there never was one. */
  head(): number {
    this.entries();
    return this.#nextSeq - 1;
  }
}
