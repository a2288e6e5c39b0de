/** The alerts of one connection at work: what streams report becomes alerts, which are sent in their own time. */
import type { AlertChannel } from "../config/alert-channels.ts";
import type { StreamReport } from "../contract/alerts.ts";
import { log } from "../lib/log.ts";
import { decide, type Origin } from "./decide.ts";
import { sendAlert } from "./send.ts";
import { AlertStore, type Waiting } from "./store.ts";

/** An alert that was not taken is tried again after these times, ms. After the last of them it is given up. */
const RETRY_AFTER_MS = [10_000, 60_000, 5 * 60_000, 30 * 60_000];
/** How many are sent at once: Cloudflare lets one invocation have six calls waiting for their answer. */
const AT_ONCE = 6;
/** Log events come again within this at most, ms: Okta keeps them for 90 days, and a cursor is never older. */
const HEARD_FOR_MS = 90 * 86_400_000;

interface AlertDeskDeps {
  readonly storage: DurableObjectStorage;
  /** The connection's channels. */
  readonly channels: () => readonly AlertChannel[];
  readonly origin: () => Origin;
  readonly fetch: typeof fetch;
  /** ms since the epoch */
  readonly now: () => number;
}

export class AlertDesk {
  readonly #deps: AlertDeskDeps;
  readonly #store: AlertStore;

  constructor(deps: AlertDeskDeps) {
    this.#deps = deps;
    this.#store = new AlertStore(deps.storage.sql);
  }

  /** Takes note of a report; see `AlertsApi.report`. */
  async report(report: StreamReport): Promise<void> {
    const { storage, channels, now } = this.#deps;
    storage.transactionSync(() => {
      const all = channels();
      this.#store.tidy(
        all.map(({ name }) => name),
        now() - HEARD_FOR_MS,
      );
      const fresh = this.#store.hear(
        report.changes.map(({ uuid }) => uuid),
        now(),
      );
      const changes = report.changes.filter(({ uuid }) => fresh.has(uuid));
      for (const channel of all) this.#follow(channel, { ...report, changes });
    });
    await this.#arm();
  }

  #follow(channel: AlertChannel, report: StreamReport): void {
    const store = this.#store;
    const { name } = channel;
    const { stream } = report;
    const now = this.#deps.now();
    const { tell, note, resolve, changes } = decide(
      channel,
      report,
      store.told(name, stream),
      this.#deps.origin(),
      now,
    );
    for (const told of tell) {
      store.remember(name, stream, told);
      store.send(name, stream, told.alert, now);
    }
    for (const told of note) store.remember(name, stream, told);
    for (const alert of resolve) {
      store.forget(name, stream, alert.code);
      // Nobody has heard of it, so nobody has to hear of its end.
      if (!store.withdraw(name, stream, alert.code)) store.send(name, stream, alert, now);
    }
    for (const alert of changes) store.sendBeside(name, stream, alert, now);
  }

  /** Sends what is due. One channel that does not answer keeps no other from being told. */
  async work(): Promise<void> {
    const due = this.#store.due(this.#deps.now(), AT_ONCE);
    await Promise.all(due.map((waiting) => this.#send(waiting)));
    await this.#arm();
  }

  async #send({ n, channel: name, alert, tries }: Waiting): Promise<void> {
    const channel = this.#deps.channels().find((one) => one.name === name);
    if (channel === undefined) return this.#store.done(n);
    const sent = await sendAlert(this.#deps.fetch, channel, alert);
    const { connection, stream, code, resolved } = alert;
    const fields = { connection, stream, code, resolved, channel: name, status: sent.httpStatus };
    if (sent.ok) {
      this.#store.done(n);
      return log("info", "alert_told", fields);
    }
    const wait = RETRY_AFTER_MS[tries];
    if (wait === undefined) {
      this.#store.done(n);
      return log("error", "alert_given_up", { ...fields, message: sent.message });
    }
    this.#store.retry(n, this.#deps.now() + wait);
    log("warn", "alert_failed", { ...fields, message: sent.message });
  }

  async #arm(): Promise<void> {
    const next = this.#store.nextDueAt();
    await (next === null ? this.#deps.storage.deleteAlarm() : this.#deps.storage.setAlarm(next));
  }
}
