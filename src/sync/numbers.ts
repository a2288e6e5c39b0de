/**
 * Keeps sequence numbers and contents together: whatever shapes a stream's events gives all assets new numbers, in
 * steps. `inventory/renumbering.ts` says what holds meanwhile.
 */
import type { Connection } from "../config/types.ts";
import type { StreamIdentity } from "../contract/objects.ts";
import { ChangeReader } from "../explore/changes.ts";
import { EventReader } from "../explore/event-reader.ts";
import type { Inventory } from "../inventory/inventory.ts";
import { everyKind } from "../inventory/renumbering.ts";
import { FIRST_MAPPING, isSameShape, type Shape } from "../inventory/shape.ts";
import { errorFields, log } from "../lib/log.ts";
import type { StreamDefinition } from "../streams/definition.ts";

/** Whoever reads events does as many steps first, at most: in one go, and with others let in between. */
const STEPS_PER_READING = { atOnce: 10, inTurns: 200 };
/** Between steps, an alarm lets requests in. */
const STEPS_PER_ALARM = 100;

/** Of the settings, what shapes a stream whose assets are no accounts. */
const NOTHING_OF_ACCOUNTS: Pick<Connection, "mfaIgnoredFactors" | "profileAttributes"> = {
  mfaIgnoredFactors: [],
  profileAttributes: [],
};

interface NumbersDeps {
  readonly definition: StreamDefinition;
  readonly identity: StreamIdentity;
  readonly storage: DurableObjectStorage;
  readonly inventory: Inventory;
  /** The connection's settings; null while they are invalid. */
  readonly connection: () => Connection | null;
  /** The base URL of the org whose inventory this is; null until the org has said who it is. */
  readonly orgUrl: () => string | null;
  /** ms since the epoch */
  readonly now: () => number;
}

/** The sequence numbers of one stream. */
export class Numbers {
  readonly #deps: NumbersDeps;
  /** Whether assets have new numbers that the sinks have not been told of. */
  #untold = false;

  constructor(deps: NumbersDeps) {
    this.#deps = deps;
  }

  /** Whether assets wait for new numbers, so that an alarm has to be set. */
  get areUnfinished(): boolean {
    return this.#deps.inventory.assets.renumbering.isUnfinished;
  }

  /**
   * Compares the settings with those that the stored numbers belong to, and begins a renumbering if they differ. Invalid
   * settings change nothing.
   * @returns what shapes the events; null if this was never known
   */
  observe(): Shape | null {
    const { inventory, storage, now } = this.#deps;
    const stored = inventory.meta.get("shape");
    const shape = this.#shape(stored);
    if (shape === null || (stored !== null && isSameShape(stored, shape))) return shape;
    storage.transactionSync(() => {
      inventory.meta.set("shape", shape);
      const before = stored ?? { ...shape, mapping: FIRST_MAPPING };
      if (isSameShape(before, shape)) return;
      inventory.assets.renumbering.begin(everyKind);
      this.#untold = true;
    });
    // The alarm does what the first step has left, and has the sinks told.
    if (this.#untold) void storage.setAlarm(now());
    return shape;
  }

  /**
   * Ends a renumbering before something is read, so that only readers of very large inventories (200,000 assets and
   * more) have to ask again.
   */
  async settle(): Promise<void> {
    this.observe();
    for (let steps = 0; steps < STEPS_PER_READING.inTurns && this.areUnfinished; steps++) {
      this.#step();
      await scheduler.wait(0);
    }
  }

  /** A reader of the events as they are now. It brings a renumbering forward first, or ends it. */
  reader(): EventReader {
    const { definition, identity, inventory, storage } = this.#deps;
    const shape = this.observe();
    for (let steps = 0; steps < STEPS_PER_READING.atOnce && this.areUnfinished; steps++) this.#step();
    const origin = shape && {
      ...identity,
      tenant: shape.tenant,
      mfaIgnoredFactors: shape.mfaIgnoredFactors,
      profileAttributes: shape.profileAttributes ?? [],
    };
    const changes = new ChangeReader({
      stream: identity.stream,
      definition,
      inventory,
      sql: storage.sql,
      ignored: shape?.mfaIgnoredFactors ?? [],
    });
    return new EventReader({
      definition,
      inventory,
      changes,
      origin,
      transaction: (work) => storage.transactionSync(work),
    });
  }

  /**
   * Does an alarm's share of a renumbering, if one is to be done. Never throws.
   * @returns `none`: there is nothing new; `done`: it is finished, and the sinks are to be told; `more`: an alarm is set
   *   that continues
   */
  async work(): Promise<"none" | "done" | "more"> {
    const { identity, storage, now } = this.#deps;
    try {
      this.observe();
      if (!this.areUnfinished) return this.#told();
      // If this is killed at any point, the next alarm continues.
      await storage.setAlarm(now());
      for (let steps = 0; steps < STEPS_PER_ALARM && this.areUnfinished; steps++) {
        this.#step();
        await scheduler.wait(0);
      }
      return this.areUnfinished ? "more" : this.#told();
    } catch (error) {
      log("error", "renumbering_threw", { ...identity, ...errorFields(error) });
      return "none";
    }
  }

  #told(): "none" | "done" {
    const news = this.#untold;
    this.#untold = false;
    return news ? "done" : "none";
  }

  #step(): void {
    const { inventory, storage } = this.#deps;
    this.#untold = true;
    storage.transactionSync(() => inventory.assets.renumbering.step());
  }

  /** What shapes the events now. While the settings are invalid, what is stored stands for them. */
  #shape(stored: Shape | null): Shape | null {
    const { definition, connection, orgUrl } = this.#deps;
    const { mapping } = definition;
    const settings = connection();
    if (settings === null) return stored && { ...stored, mapping };
    const { mfaIgnoredFactors, profileAttributes } = definition.areAccounts ? settings : NOTHING_OF_ACCOUNTS;
    return {
      mapping,
      // Another base URL may lead to another org, so it counts only once the org has said that it is the same.
      tenant: new URL(orgUrl() ?? settings.baseUrl).host,
      mfaIgnoredFactors: [...new Set(mfaIgnoredFactors)].sort(),
      profileAttributes: [...new Set(profileAttributes)].sort(),
    };
  }
}
