/** Durable Objects with instruments: meters, a clock that moves, rows counted, eviction. */
import type { DurableObject } from "cloudflare:workers";
import { followClock } from "./clock.ts";
import { meterRequests, meterStorage } from "./meter.ts";

type Constructor<T> = new (ctx: DurableObjectState, env: Env) => T;

/** What one object stores: rows by table (key-value entries count as a table), and bytes on disk. */
export interface Stored {
  readonly rows: Record<string, number>;
  readonly bytes: number;
}

export interface Instruments {
  benchStored(): Promise<Stored>;
  /** The number in the column n of an SQL query. */
  benchCount(query: string, ...values: number[]): Promise<number>;
  /** After the clock was moved forward: makes a pending alarm that many ms earlier. */
  benchAdvanceAlarm(ms: number): Promise<void>;
  /** Evicts the object from memory, in the middle of whatever it is doing. */
  benchEvict(): Promise<void>;
}

export const instrumented = <T extends object>(base: Constructor<T>): Constructor<T & Instruments> => {
  meterRequests(base);
  // A class that extends a type parameter must accept any arguments, so its own type is restored here.
  return class extends (base as unknown as Constructor<DurableObject<Env>>) implements Instruments {
    constructor(ctx: DurableObjectState, env: Env) {
      meterStorage(ctx.storage);
      followClock(ctx.storage);
      super(ctx, env);
    }

    async benchStored(): Promise<Stored> {
      const { sql, kv } = this.ctx.storage;
      const tables = sql
        .exec<{ name: string }>(
          "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '_cf_%' AND name NOT LIKE 'sqlite_%'",
        )
        .toArray();
      const rows: Record<string, number> = { "key-value entries": [...kv.list()].length };
      for (const { name } of tables)
        rows[name] = await this.benchCount(`SELECT count(*) AS n FROM "${name}"`);
      return { rows, bytes: sql.databaseSize };
    }

    async benchCount(query: string, ...values: number[]): Promise<number> {
      return this.ctx.storage.sql.exec<{ n: number }>(query, ...values).one().n;
    }

    async benchAdvanceAlarm(ms: number): Promise<void> {
      const at = await this.ctx.storage.getAlarm();
      if (at !== null) await this.ctx.storage.setAlarm(at - ms);
    }

    async benchEvict(): Promise<void> {
      this.ctx.abort("evicted");
    }
  } as unknown as Constructor<T & Instruments>;
};
