/**
 * Rows in creation order, found by id or by sequence. Rows are replaced, never changed in place, so that an
 * older version can be kept for eventually consistent reads and a rendering can be cached beside its row.
 */

export interface Row<T> {
  readonly seq: number;
  data: T;
  /** The last rendering of `data`, and what it depended on besides. */
  rendered: { key: string; text: string } | null;
  /** Versions that were valid until an instant, oldest first; null is "did not exist yet". */
  past: { until: number; data: T | null }[] | null;
  /** When it was deleted; set only if lagging reads still have to see it. */
  removedAt?: number;
}

export class Table<T extends { id: string }> {
  readonly rows: Row<T>[] = [];
  readonly byId: Map<string, Row<T>> = new Map();
  /** Grows with every change, so that results can be cached. */
  version = 0;
  #nextSeq = 1;
  /** Deleted rows that lagging reads may still see, in the order of deletion. */
  #removed: Row<T>[] = [];

  /** Adds a row at the end. `at` marks a creation that lagging reads must not see yet. */
  insert(data: T, at?: number): Row<T> {
    const past = at === undefined ? null : [{ until: at, data: null }];
    const row: Row<T> = { seq: this.#nextSeq++, data, rendered: null, past };
    this.rows.push(row);
    this.byId.set(data.id, row);
    this.version++;
    return row;
  }

  /** Replaces the data of a row. With `at`, the old data stays readable for lagging reads. */
  replace(row: Row<T>, data: T, at?: number): void {
    if (at !== undefined) {
      row.past ??= [];
      row.past.push({ until: at, data: row.data });
    }
    row.data = data;
    row.rendered = null;
    this.version++;
  }

  /** Deletes a row. With `at`, lagging reads still see it. */
  remove(row: Row<T>, at?: number): void {
    const index = this.indexAfter(row.seq - 1);
    if (this.rows[index] === row) this.rows.splice(index, 1);
    this.byId.delete(row.data.id);
    this.version++;
    if (at === undefined) return;
    row.past ??= [];
    row.past.push({ until: at, data: row.data });
    row.removedAt = at;
    this.#removed.push(row);
  }

  /** All rows that exist or were deleted after `cutoff`, in order. */
  rowsSince(cutoff: number): readonly Row<T>[] {
    const removed = this.#removed.filter(({ removedAt = 0 }) => removedAt > cutoff);
    return removed.length === 0 ? this.rows : [...this.rows, ...removed].sort((a, b) => a.seq - b.seq);
  }

  /** The row with this id, which exists or was deleted after `cutoff`. */
  findSince(id: string, cutoff: number): Row<T> | undefined {
    return this.byId.get(id) ?? this.rowsSince(cutoff).find((row) => row.data.id === id);
  }

  /** Index of the first row whose sequence is greater than `seq`. */
  indexAfter(seq: number): number {
    return indexAfter(this.rows, seq);
  }

  bySeq(seq: number): Row<T> | undefined {
    const row = this.rows[this.indexAfter(seq - 1)];
    return row?.seq === seq ? row : undefined;
  }
}

/** Index of the first of these rows, which are in order, whose sequence is greater than `seq`. */
export const indexAfter = (rows: readonly { readonly seq: number }[], seq: number): number => {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle]?.seq ?? 0) > seq) high = middle;
    else low = middle + 1;
  }
  return low;
};

/** The data of a row as it was at `cutoff`, or null if it did not exist then. */
export const asOf = <T>(row: Row<T>, cutoff: number): T | null => {
  if (row.past === null) return row.data;
  for (const version of row.past) if (version.until > cutoff) return version.data;
  return row.removedAt === undefined ? row.data : null;
};

/** Inserts a number into a sorted list; false if it was there. */
export const insertSorted = (list: number[], value: number): boolean => {
  const index = sortedIndex(list, value);
  if (list[index] === value) return false;
  list.splice(index, 0, value);
  return true;
};

/** Removes a number from a sorted list; false if it was not there. */
export const removeSorted = (list: number[], value: number): boolean => {
  const index = sortedIndex(list, value);
  if (list[index] !== value) return false;
  list.splice(index, 1);
  return true;
};

/** Index of the first element that is at least `value`. */
export const sortedIndex = (list: readonly number[], value: number): number => {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) >= value) high = middle;
    else low = middle + 1;
  }
  return low;
};
