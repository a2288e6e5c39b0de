/** Event hooks: what the org tells others of as it happens, in Okta's way: unordered, at least once as a rule, sometimes never. */
import type { Random } from "./random.ts";
import type { OktaLogEvent } from "./types.ts";

/** A registered event hook. */
export interface EventHook {
  readonly id: string;
  readonly name: string;
  readonly uri: string;
  /** The name and the value of the header that deliveries carry. */
  readonly header: { readonly key: string; readonly value: string };
  /** The event types that are delivered. */
  readonly items: readonly string[];
  status: "ACTIVE" | "INACTIVE";
  verificationStatus: "UNVERIFIED" | "VERIFIED";
}

export interface HookSettings {
  readonly random: Random;
  /** How long a delivery takes to begin at most, ms. */
  readonly delayMs: () => number;
  /** Probability that a delivery never happens. */
  readonly loss: () => number;
  /** Probability that one happens twice. */
  readonly doubles: () => number;
  readonly fetch: typeof fetch;
}

/** What became of the deliveries. */
export interface HookReport {
  readonly delivered: number;
  readonly refused: number;
  readonly retried: number;
  readonly lost: number;
}

/** How long Okta waits for an answer, ms. */
const PATIENCE_MS = 3_000;

/** The org's event hooks, and their deliveries. */
export class EventHooks {
  readonly all: Map<string, EventHook> = new Map();
  readonly #settings: HookSettings;
  #report: HookReport = { delivered: 0, refused: 0, retried: 0, lost: 0 };

  constructor(settings: HookSettings) {
    this.#settings = settings;
  }

  get report(): HookReport {
    return this.#report;
  }

  #count(what: keyof HookReport): void {
    this.#report = { ...this.#report, [what]: this.#report[what] + 1 };
  }

  /** Tells of an event whoever has subscribed to its type. */
  tell(event: OktaLogEvent): void {
    const { random, delayMs, loss, doubles } = this.#settings;
    for (const hook of this.all.values()) {
      const isOn = hook.status === "ACTIVE" && hook.verificationStatus === "VERIFIED";
      if (!isOn || !hook.items.includes(event.eventType)) continue;
      if (random.chance(loss())) {
        this.#count("lost");
        continue;
      }
      const times = random.chance(doubles()) ? 2 : 1;
      for (let n = 0; n < times; n++) {
        setTimeout(() => void this.#deliver(hook, event), random.next() * delayMs());
      }
    }
  }

  /** Okta verifies a hook with one GET. @returns whether the receiver has repeated the challenge */
  async verify(hook: EventHook): Promise<boolean> {
    const challenge = this.#settings.random.uuid();
    try {
      const response = await this.#settings.fetch(hook.uri, {
        headers: { "x-okta-verification-challenge": challenge, [hook.header.key]: hook.header.value },
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const { verification }: { verification?: unknown } = await response.json();
      return response.ok && verification === challenge;
    } catch {
      return false;
    }
  }

  /** One retry at most, after a 5xx or a time-out, and none after a 4xx. */
  async #deliver(hook: EventHook, event: OktaLogEvent): Promise<void> {
    const body = JSON.stringify({
      eventType: "com.okta.event_hook",
      eventTypeVersion: "1.0",
      cloudEventsVersion: "0.1",
      source: `/api/v1/eventHooks/${hook.id}`,
      eventId: this.#settings.random.uuid(),
      eventTime: event.published,
      contentType: "application/json",
      data: { events: [event] },
    });
    for (const isLast of [false, true]) {
      const status = await this.#post(hook, body);
      if (status !== null && status < 400) return this.#count("delivered");
      if (isLast || (status !== null && status < 500)) return this.#count("refused");
      this.#count("retried");
    }
  }

  /** @returns the status of the answer; null if none came in time */
  async #post(hook: EventHook, body: string): Promise<number | null> {
    try {
      const response = await this.#settings.fetch(hook.uri, {
        method: "POST",
        headers: { "content-type": "application/json", [hook.header.key]: hook.header.value },
        body,
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      await response.body?.cancel();
      return response.status;
    } catch {
      return null;
    }
  }
}
