/** Users' MFA factors, as they were read. */
import type { OktaFactor } from "../okta/records.ts";
import type { Assets } from "./assets.ts";
import type { NewChange } from "./changes.ts";
import type { UnknownReason } from "./facts.ts";
import { HOUR_SLOT, SLOTS, type SlotTime } from "./hours.ts";
import type { Reading, UserReading } from "./readings.ts";
import { forAssets, jsonChunks } from "./sql.ts";

/** Values for the columns of one row. */
type Row = readonly (string | number | null)[];

/** What is stored of a user's factors. */
interface LastFactors {
  id: string;
  factors: string | null;
  factors_at: number | null;
}

interface FactorsRow extends Record<string, SqlStorageValue> {
  id: string;
  number: number;
  factors: string | null;
  factors_reason: string | null;
  factors_at: number | null;
}

/** SQL: the factors were never read or tried. Spelt like the condition of an index, so that SQLite uses it. */
const PENDING = "deleted_at IS NULL AND factors_at IS NULL AND factors_reason IS NULL";
/** SQL: the factors are known. Spelt like the condition of an index. */
const READ = "deleted_at IS NULL AND factors_at IS NOT NULL AND factors_reason IS NULL";

const ADMINS_AT_ONCE = 100;

/** Which factors to read. Times are ms since the epoch. */
export interface DueFactors {
  /** Known factors are due if they were read before this, and those that were refused if that was before this. */
  readonly dueBefore: number;
  /** Only users who were last tried before this. */
  readonly triedBefore: number;
  /** Whether also those that were refused lately. */
  readonly refusedToo?: boolean;
}

/**
 * SQL: the factors are due, because they are unknown or were read before ?2. What was refused is due if that was before
 * ?2, or if ?3 is 1: asking in vain for each user each night would be a call for nothing.
 */
const DUE = `CASE factors_reason WHEN 'forbidden' THEN ?3 OR coalesce(factors_tried_at, 0) < ?2
  ELSE factors_at IS NULL OR factors_at < ?2 OR factors_reason IS NOT NULL END`;

/** The last administrator that was looked at: in the list of people with roles, or in a group that gives roles. */
export interface AdminsPosition {
  readonly group: string | null;
  readonly user: string;
}

export interface AdminsPage {
  /** The ids of those who are due. */
  readonly due: readonly string[];
  /** Where to look on; null after the last ones. */
  readonly next: AdminsPosition | null;
}

/** A place in the order of hours. */
export interface HourPosition {
  readonly slot: SlotTime;
  /** The number of the last asset of this slot that was looked at; 0 for none of them. */
  readonly number: number;
}

/** A user whose hour has come. */
export interface HourRow {
  readonly id: string;
  readonly number: number;
  readonly at: HourPosition;
  /** When the factors were read, ms since the epoch; null if never. */
  readonly readAt: number | null;
  readonly triedAt: number;
  /** Why they are unknown; null if they are known. */
  readonly reason: UnknownReason | null;
  readonly status: string;
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
        `SELECT id, number, factors, factors_reason, factors_at FROM assets
         WHERE deleted_at IS NULL AND id IN (SELECT value FROM json_each(?))`,
        chunk,
      )) {
        before.set(row.id, row);
      }
    }
    const same: Row[] = [];
    const changed: Row[] = [];
    const facets: { number: number; factors: string | null }[] = [];
    const changes: NewChange[] = [];
    const { history } = this.#assets;
    const isKept = history.since !== null;
    for (const { userId, reading, readAt } of readings) {
      const was = before.get(userId);
      if (was === undefined) continue;
      const read = "value" in reading;
      const factors = read ? reading.value : was.factors;
      const reason = read ? null : reading.reason;
      const at = read ? readAt : was.factors_at;
      if (factors === was.factors && reason === was.factors_reason) same.push([userId, at, readAt]);
      else {
        changed.push([userId, at, readAt, factors, reason]);
        const change = isKept && read ? this.#change(was, reading.value) : null;
        if (change !== null) changes.push(change);
        facets.push({ number: was.number, factors: reason === null ? factors : null });
      }
    }
    for (const chunk of jsonChunks(same)) {
      this.#sql.exec(
        `UPDATE assets SET factors_at = row.value ->> 1, factors_tried_at = row.value ->> 2
         FROM json_each(?) AS row WHERE assets.id = row.value ->> 0`,
        chunk,
      );
    }
    history.note(changes);
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
    this.#assets.facets.setFactors(facets);
    return new Set(ids);
  }

  /**
   * What a reading changes; null if it is the first one, or the value is as before. Whoever was DEPROVISIONED had no
   * factors until then, although nothing is stored of them any more.
   */
  #change({ id, factors, factors_at }: LastFactors, value: string): NewChange | null {
    const { history } = this.#assets;
    const last =
      factors === null ? history.lastFactors(id) : { value: factors, at: history.byOkta(factors_at) };
    if (last === null || last.value === value) return null;
    // Both are what a stream has filed.
    const [before, after]: OktaFactor[][] = [JSON.parse(last.value), JSON.parse(value)];
    return {
      id,
      part: "factors",
      kind: "updated",
      detail: { before: before ?? [], after: after ?? [] },
      since: last.at,
    };
  }

  /**
   * The next administrators whose factors are due: first those whose own roles are known or asked for, then the members of
   * groups that give roles. It looks at up to 100 of them.
   * @param after the position from which to look on; null for the first ones
   */
  nextAdmins(after: AdminsPosition | null, due: DueFactors): AdminsPage {
    const { ids, next } = this.#adminsAfter(after ?? { group: null, user: "" });
    const found = this.#sql
      .exec<{ id: string }>(
        `SELECT id FROM assets WHERE id IN (SELECT value FROM json_each(?4)) AND deleted_at IS NULL
         AND coalesce(factors_tried_at, 0) < ?1 AND ${DUE}`,
        due.triedBefore,
        due.dueBefore,
        due.refusedToo === true ? 1 : 0,
        JSON.stringify(ids),
      )
      .toArray();
    return { due: found.map(({ id }) => id), next };
  }

  #adminsAfter({ group, user }: AdminsPosition): { ids: string[]; next: AdminsPosition | null } {
    const from =
      group === null ? "admins WHERE user_id > ?1" : "memberships WHERE group_id = ?3 AND user_id > ?1";
    const ids = this.#sql
      .exec<{ user_id: string }>(
        `SELECT user_id FROM ${from} ORDER BY user_id LIMIT ?2`,
        ...[user, ADMINS_AT_ONCE, ...(group === null ? [] : [group])],
      )
      .toArray()
      .map(({ user_id }) => user_id);
    const last = ids.at(-1);
    if (last !== undefined && ids.length === ADMINS_AT_ONCE) return { ids, next: { group, user: last } };
    const [giving] = this.#sql.exec<{ id: string }>(
      `SELECT id FROM groups WHERE coalesce(has_roles, 1) = 1 AND has_roles = 1 AND id > ? ORDER BY id LIMIT 1`,
      group ?? "",
    );
    return { ids, next: giving === undefined ? null : { group: giving.id, user: "" } };
  }

  /**
   * The next users whose factors are due: those whose factors were never read, then those of whom they are unknown for
   * another reason, then the oldest readings. Each part is found by an index that leaves out whoever is not due.
   */
  next(due: DueFactors, limit: number): string[] {
    const { dueBefore, triedBefore, refusedToo } = due;
    const refusedBefore = refusedToo === true ? triedBefore : Math.min(triedBefore, dueBefore);
    const ids = this.neverRead(limit);
    if (ids.length < limit) ids.push(...this.nextFailed(triedBefore, limit - ids.length));
    if (ids.length < limit) ids.push(...this.#unknown("forbidden", refusedBefore, limit - ids.length));
    if (ids.length < limit) {
      const old = this.#sql.exec<{ id: string }>(
        `SELECT id FROM assets WHERE ${READ} AND factors_at < ? AND coalesce(factors_tried_at, 0) < ?
         ORDER BY factors_at LIMIT ?`,
        dueBefore,
        triedBefore,
        limit - ids.length,
      );
      for (const { id } of old) ids.push(id);
    }
    return ids;
  }

  /**
   * The types of the known factors of users, 1,000 users at most, in the order in which they became known.
   * @param after the number of the last user who was looked at
   */
  typesAfter(after: number): { readonly id: string; readonly number: number; readonly types: string[] }[] {
    return this.#sql
      .exec<{ id: string; number: number; types: string }>(
        `SELECT id, number, (SELECT json_group_array(value ->> '$.factorType') FROM json_each(factors)) AS types
         FROM assets WHERE deleted_at IS NULL AND factors IS NOT NULL AND number > ? ORDER BY number LIMIT 1000`,
        after,
      )
      .toArray()
      .map(({ types, ...user }) => ({ ...user, types: JSON.parse(types) }));
  }

  /** The next users whose factors were never read or tried, in the order in which they became known. */
  neverRead(limit: number): string[] {
    return this.#sql
      .exec<{ id: string }>(`SELECT id FROM assets WHERE ${PENDING} ORDER BY number LIMIT ?`, limit)
      .toArray()
      .map(({ id }) => id);
  }

  /** The next users whose factors could not be read the last time, and were not tried since `triedBefore` (ms). */
  nextFailed(triedBefore: number, limit: number): string[] {
    return this.#unknown("failed", triedBefore, limit);
  }

  #unknown(reason: UnknownReason, triedBefore: number, limit: number): string[] {
    return this.#sql
      .exec<{ id: string }>(
        `SELECT id FROM assets WHERE deleted_at IS NULL AND factors_reason IS NOT NULL
         AND factors_reason = ? AND factors_tried_at < ? LIMIT ?`,
        reason,
        triedBefore,
        limit,
      )
      .toArray()
      .map(({ id }) => id);
  }

  /**
   * Some of the users whose factors are due and were not tried since `triedBefore`, evenly spread over all of them.
   * @param turn another number picks other users
   */
  spread({ dueBefore, triedBefore, refusedToo }: DueFactors, limit: number, turn: number): string[] {
    return this.#spread(DUE, [triedBefore, dueBefore, refusedToo === true ? 1 : 0, limit, turn]);
  }

  /** Some of the users whose last try was refused before `triedBefore`, evenly spread over all of them. */
  spreadRefused(triedBefore: number, limit: number, turn: number): string[] {
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

  /** The users whose factors were read longest ago, and before `readBefore` (ms), DEPROVISIONED ones left out. */
  oldest(readBefore: number, limit: number): string[] {
    return this.#sql
      .exec<{ id: string; status: string }>(
        `SELECT id, record ->> '$.status' AS status FROM assets WHERE ${READ} AND factors_at < ?
         ORDER BY factors_at LIMIT ?`,
        readBefore,
        // Many DEPROVISIONED ones in a row are no reason to look on for ever.
        2 * limit + 50,
      )
      .toArray()
      .filter(({ status }) => status !== "DEPROVISIONED")
      .slice(0, limit)
      .map(({ id }) => id);
  }

  /**
   * The users whose hour has come after `after` and up to `until`, in this order, 100 at most; see `hours.ts`.
   * @param after the last one that was looked at
   */
  byHour(after: HourPosition, until: SlotTime): readonly HourRow[] {
    const lap = Math.floor(after.slot / SLOTS);
    const endOfLap = (lap + 1) * SLOTS - 1;
    const rows = this.#sql
      .exec<Omit<HourRow, "at"> & { slot: number } & Record<string, SqlStorageValue>>(
        `SELECT id, number, ${HOUR_SLOT} AS slot, factors_at AS readAt, factors_reason AS reason,
           coalesce(factors_tried_at, 0) AS triedAt, record ->> '$.status' AS status
         FROM assets WHERE deleted_at IS NULL AND ${HOUR_SLOT} >= ?1 AND ${HOUR_SLOT} <= ?2
           AND (${HOUR_SLOT} > ?1 OR number > ?3)
         ORDER BY ${HOUR_SLOT}, number LIMIT 100`,
        after.slot - lap * SLOTS,
        Math.min(until, endOfLap) - lap * SLOTS,
        after.number,
      )
      .toArray();
    if (rows.length > 0 || until <= endOfLap)
      return rows.map(({ slot, ...row }) => ({
        ...row,
        at: { slot: lap * SLOTS + slot, number: row.number },
      }));
    return this.byHour({ slot: endOfLap + 1, number: 0 }, until);
  }

  /** For how many users `next` reads the factors, if it is not to read what was refused lately (ms since the epoch). */
  countDue(dueBefore: number): number {
    const unknown = "SELECT count(*) FROM assets WHERE deleted_at IS NULL AND factors_reason IS NOT NULL";
    return this.#sql
      .exec<{ n: number }>(
        `SELECT (SELECT count(*) FROM assets INDEXED BY assets_pending_factors WHERE ${PENDING})
           + (${unknown} AND factors_reason <> 'forbidden')
           + (${unknown} AND factors_reason = 'forbidden' AND factors_tried_at < ?1)
           + (SELECT count(*) FROM assets WHERE ${READ} AND factors_at < ?1) AS n`,
        dueBefore,
      )
      .one().n;
  }

  /** Marks the factors that are due and were not tried since `triedBefore` as unknown for one reason. */
  refuse(
    reason: UnknownReason,
    { triedBefore, dueBefore }: Pick<DueFactors, "triedBefore" | "dueBefore">,
  ): void {
    const isDue = `deleted_at IS NULL AND coalesce(factors_tried_at, 0) < ?1 AND ${DUE}`;
    forAssets(this.#sql, isDue, [triedBefore, dueBefore, 0], (users) => {
      this.#sql.exec(
        `UPDATE assets SET factors_reason = ?, factors_tried_at = ? WHERE number IN (SELECT value FROM json_each(?))`,
        reason,
        this.#now(),
        JSON.stringify(users.map(({ number }) => number)),
      );
      this.#assets.touch(users.map(({ id }) => id));
      this.#assets.facets.setFactors(users.map(({ number }) => ({ number, factors: null })));
    });
  }

  /**
   * Stores that users who became DEPROVISIONED have no factors, and forgets the factors of users who came back from
   * that status. Gives no sequence numbers: filing the changed records has done so.
   */
  settle(ids: { readonly deprovisioned: readonly string[]; readonly revived: readonly string[] }): void {
    const now = this.#now();
    for (const chunk of jsonChunks(ids.deprovisioned)) {
      if (this.#assets.history.since !== null) this.#noteNone(chunk);
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
    this.#assets.facets.refresh([...ids.deprovisioned, ...ids.revived]);
  }

  /** Takes note that users have lost their factors. @param ids as JSON */
  #noteNone(ids: string): void {
    const rows = this.#sql.exec<LastFactors & Record<string, SqlStorageValue>>(
      `SELECT id, factors, factors_at FROM assets
       WHERE factors IS NOT NULL AND id IN (SELECT value FROM json_each(?))`,
      ids,
    );
    const changes = [...rows].flatMap((row) => this.#change(row, "[]") ?? []);
    const { history } = this.#assets;
    // What told of the status, tells of this.
    history.as({ shownUntil: Number.MAX_SAFE_INTEGER }, () => history.note(changes));
    history.settle(
      "factors",
      changes.map(({ id }) => id),
    );
  }
}
