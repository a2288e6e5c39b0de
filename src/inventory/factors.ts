/** Users' MFA factors, as they were read. */
import type { Assets } from "./assets.ts";
import type { UnknownReason } from "./facts.ts";
import type { Reading, UserReading } from "./readings.ts";
import { jsonChunks } from "./sql.ts";

/** Which factors to read. Times are ms since the epoch. */
interface DueFactors {
  readonly dueBefore: number;
  readonly triedBefore: number;
  /** Whether also those that were refused lately. */
  readonly refusedToo?: boolean;
  readonly limit: number;
}

/**
 * SQL: the factors are due, because they are unknown or were read before ?2. What was refused is due if that was before
 * ?2, or if ?3 is 1: asking in vain for each user each night would be a call for nothing.
 */
const DUE = `CASE factors_reason WHEN 'forbidden' THEN ?3 OR coalesce(factors_tried_at, 0) < ?2
  ELSE factors_at IS NULL OR factors_at < ?2 OR factors_reason IS NOT NULL END`;

/** Values for the columns of one row. */
type Row = readonly (string | number | null)[];

interface FactorsRow extends Record<string, SqlStorageValue> {
  id: string;
  factors: string | null;
  factors_reason: string | null;
  factors_at: number | null;
}

/** The factors of users. Whatever changes a user's event gives it a new sequence number. Callers open the transaction. */
export class Factors {
  readonly #sql: SqlStorage;
  readonly #assets: Assets;
  readonly #now: () => number;

  /** @param now ms since the epoch */
  constructor(sql: SqlStorage, assets: Assets, now: () => number) {
    this.#sql = sql;
    this.#assets = assets;
    this.#now = now;
  }

  /**
   * Stores the outcome of reading one user's factors. A failure keeps the last known value.
   * @returns whether the user's event changed
   */
  set(userId: string, reading: Reading, readAt: number): boolean {
    return this.setOf([{ userId, reading, readAt }]).has(userId);
  }

  /**
   * Stores the outcomes of reading several users' factors; pass each user once. A failure keeps the last known
   * value.
   * @returns the ids of the users whose event changed
   */
  setOf(readings: readonly UserReading[]): Set<string> {
    const before = new Map<string, FactorsRow>();
    for (const chunk of jsonChunks(readings.map(({ userId }) => userId))) {
      for (const row of this.#sql.exec<FactorsRow>(
        `SELECT id, factors, factors_reason, factors_at FROM assets
         WHERE deleted_at IS NULL AND id IN (SELECT value FROM json_each(?))`,
        chunk,
      )) {
        before.set(row.id, row);
      }
    }
    const same: Row[] = [];
    const changed: Row[] = [];
    for (const { userId, reading, readAt } of readings) {
      const was = before.get(userId);
      if (was === undefined) continue;
      const read = "value" in reading;
      const factors = read ? reading.value : was.factors;
      const reason = read ? null : reading.reason;
      const at = read ? readAt : was.factors_at;
      if (factors === was.factors && reason === was.factors_reason) same.push([userId, at, readAt]);
      else changed.push([userId, at, readAt, factors, reason]);
    }
    for (const chunk of jsonChunks(same)) {
      this.#sql.exec(
        `UPDATE assets SET factors_at = row.value ->> 1, factors_tried_at = row.value ->> 2
         FROM json_each(?) AS row WHERE assets.id = row.value ->> 0`,
        chunk,
      );
    }
    const ids = changed.map(([userId]) => String(userId));
    const first = this.#assets.number(ids);
    // One write of the row sets both the value and the new sequence number.
    for (const chunk of jsonChunks(changed.map((row, index) => [...row, first + index]))) {
      this.#sql.exec(
        `UPDATE assets SET factors_at = row.value ->> 1, factors_tried_at = row.value ->> 2, factors = row.value ->> 3,
           factors_reason = row.value ->> 4, seq = row.value ->> 5, changed_at = ?2
         FROM json_each(?1) AS row WHERE assets.id = row.value ->> 0`,
        chunk,
        this.#now(),
      );
    }
    return new Set(ids);
  }

  /**
   * The next users whose factors are due and were not tried since `triedBefore`: admins first, then users whose
   * factors were never read, then the oldest readings. A known value is due if it was read before `dueBefore`, and so is
   * what was refused before then. With `failedOnly`, only users whose last try failed; with `refusedToo`, all whose last
   * try was refused. Times are ms since the epoch.
   */
  next(options: DueFactors & { failedOnly: boolean }): string[] {
    const due = options.failedOnly ? "factors_reason = 'failed'" : DUE;
    const where = `deleted_at IS NULL AND coalesce(factors_tried_at, 0) < ?1 AND ${due}`;
    const ids = (sql: string): string[] =>
      this.#sql
        .exec<{ id: string }>(
          sql,
          options.triedBefore,
          options.dueBefore,
          options.refusedToo === true ? 1 : 0,
          options.limit,
        )
        .toArray()
        .map(({ id }) => id);
    // CROSS makes SQLite start from the few admins; otherwise it would search all assets for them.
    const admins = ids(`SELECT id FROM admins CROSS JOIN assets ON id = user_id WHERE ${where} LIMIT ?4`);
    return admins.length > 0
      ? admins
      : ids(`SELECT id FROM assets WHERE ${where} ORDER BY factors_at LIMIT ?4`);
  }

  /**
   * Some of the users whose factors are due and were not tried since `triedBefore`, evenly spread over all of them.
   * @param turn another number picks other users
   */
  spread({ dueBefore, triedBefore, refusedToo, limit }: DueFactors, turn: number): string[] {
    return this.#spread(DUE, [triedBefore, dueBefore, refusedToo === true ? 1 : 0, limit, turn]);
  }

  /** Some of the users whose last try was refused before `triedBefore`, evenly spread over all of them. */
  spreadRefused({ triedBefore, limit }: Pick<DueFactors, "triedBefore" | "limit">, turn: number): string[] {
    return this.#spread("factors_reason = 'forbidden'", [triedBefore, 0, 0, limit, turn]);
  }

  /** @param bindings the values of ?1 to ?5: tried before, due before, refused too, limit, turn */
  #spread(where: string, bindings: readonly [number, number, number, number, number]): string[] {
    return this.#sql
      .exec<{ id: string }>(
        `SELECT id FROM (
           SELECT id, row_number() OVER (ORDER BY number) AS place, max(1, count(*) OVER () / ?4) AS step
           FROM assets WHERE deleted_at IS NULL AND coalesce(factors_tried_at, 0) < ?1 AND ${where})
         WHERE (place + ?5) % step = 0 LIMIT ?4`,
        ...bindings,
      )
      .toArray()
      .map(({ id }) => id);
  }

  /**
   * The next users whose factors are to be read by age: users whose factors were never read, then, oldest reading
   * first, users whose factors were read before `dueBefore` or could not be read the last time. Leaves out
   * DEPROVISIONED users, facts that are forbidden, and users who were tried since `retryBefore`. Times are ms since
   * the epoch.
   */
  nextByAge(options: { dueBefore: number; retryBefore: number; limit: number }): string[] {
    return this.#sql
      .exec<{ id: string }>(
        // Each part uses an index, so a delta that finds nothing due does not search all assets.
        `SELECT id FROM assets WHERE id IN (
           SELECT id FROM assets WHERE deleted_at IS NULL AND factors_at IS NULL
           UNION ALL SELECT id FROM assets WHERE deleted_at IS NULL AND factors_at < ?1
           UNION ALL SELECT id FROM assets WHERE deleted_at IS NULL AND factors_reason = 'failed')
         AND coalesce(factors_tried_at, 0) < ?2 AND (factors_reason IS NULL OR factors_reason = 'failed')
         AND record ->> '$.status' <> 'DEPROVISIONED'
         ORDER BY +factors_at LIMIT ?3`,
        options.dueBefore,
        options.retryBefore,
        options.limit,
      )
      .toArray()
      .map(({ id }) => id);
  }

  /** For how many users `next` reads the factors, if it is not to read what was refused lately (ms since the epoch). */
  countDue(dueBefore: number): number {
    return this.#sql
      .exec<{ n: number }>(
        `SELECT count(*) AS n FROM assets WHERE deleted_at IS NULL AND ${DUE}`,
        0,
        dueBefore,
        0,
      )
      .one().n;
  }

  /** Marks the factors that are due and were not tried since `triedBefore` as unknown for one reason. */
  refuse(
    reason: UnknownReason,
    { triedBefore, dueBefore }: Pick<DueFactors, "triedBefore" | "dueBefore">,
  ): void {
    const now = this.#now();
    const ids = this.#sql
      .exec<{ id: string }>(
        `UPDATE assets SET factors_reason = ?4, factors_tried_at = ?5
         WHERE deleted_at IS NULL AND coalesce(factors_tried_at, 0) < ?1 AND ${DUE} RETURNING id`,
        triedBefore,
        dueBefore,
        0,
        reason,
        now,
      )
      .toArray()
      .map(({ id }) => id);
    this.#assets.touch(ids);
  }

  /**
   * Stores that users who became DEPROVISIONED have no factors, and forgets the factors of users who came back from
   * that status. Gives no sequence numbers: filing the changed records has done so.
   */
  settle(ids: { readonly deprovisioned: readonly string[]; readonly revived: readonly string[] }): void {
    const now = this.#now();
    for (const chunk of jsonChunks(ids.deprovisioned)) {
      this.#sql.exec(
        `UPDATE assets SET factors = '[]', factors_at = ?, factors_reason = NULL, factors_tried_at = ?
         WHERE id IN (SELECT value FROM json_each(?))`,
        now,
        now,
        chunk,
      );
    }
    for (const chunk of jsonChunks(ids.revived)) {
      this.#sql.exec(
        `UPDATE assets SET factors = NULL, factors_at = NULL, factors_reason = NULL, factors_tried_at = NULL
         WHERE id IN (SELECT value FROM json_each(?))`,
        chunk,
      );
    }
  }
}
