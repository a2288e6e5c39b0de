/** Reading assets together with the facts that their events are made of. */

/** An asset as stored. */
export interface StoredAsset<F> {
  readonly id: string;
  readonly sequence: number;
  /** When this content was stored, ms since the epoch. */
  readonly changedAt: number;
  /** When the deletion was confirmed, ms since the epoch; null while the asset exists. */
  readonly deletedAt: number | null;
  readonly facts: F;
}

/** Reads the assets of one stream, including deleted ones. */
export interface AssetReader<F> {
  /** At most `limit` assets with a sequence number greater than `after`, in order of sequence number. */
  after(after: number, limit: number): Iterable<StoredAsset<F>>;
  /** The asset with this id; null if it is not known. */
  one(id: string): StoredAsset<F> | null;
  /** The assets with these ids, in the order of `ids`. Unknown ids are left out. Pass a few hundred ids at most. */
  of(ids: readonly string[]): StoredAsset<F>[];
}

/** Sorts the assets that were found into the order of the requested ids. */
export const inOrder = <F>(ids: readonly string[], found: Iterable<StoredAsset<F>>): StoredAsset<F>[] => {
  const byId = new Map([...found].map((asset) => [asset.id, asset]));
  return ids.flatMap((id) => byId.get(id) ?? []);
};

interface RecordRow extends Record<string, SqlStorageValue> {
  id: string;
  seq: number;
  changed_at: number;
  deleted_at: number | null;
  record: string;
}

/** Reads assets whose facts come from the record alone. */
export class RecordReader<R, F> implements AssetReader<F> {
  readonly #sql: SqlStorage;
  readonly #factsOf: (record: R) => F;

  /** @param factsOf turns a record that the stream filed into the asset's facts */
  constructor(sql: SqlStorage, factsOf: (record: R) => F) {
    this.#sql = sql;
    this.#factsOf = factsOf;
  }

  after(after: number, limit: number): Iterable<StoredAsset<F>> {
    return this.#read("WHERE seq > ? ORDER BY seq LIMIT ?", after, limit);
  }

  one(id: string): StoredAsset<F> | null {
    return [...this.#read("WHERE id = ?", id)][0] ?? null;
  }

  of(ids: readonly string[]): StoredAsset<F>[] {
    return inOrder(ids, this.#read("WHERE id IN (SELECT value FROM json_each(?))", JSON.stringify(ids)));
  }

  *#read(where: string, ...parameters: SqlStorageValue[]): Generator<StoredAsset<F>> {
    const rows = this.#sql
      .exec<RecordRow>(`SELECT id, seq, changed_at, deleted_at, record FROM assets ${where}`, ...parameters)
      .toArray();
    for (const { id, seq: sequence, changed_at: changedAt, deleted_at: deletedAt, record } of rows) {
      yield { id, sequence, changedAt, deletedAt, facts: this.#factsOf(JSON.parse(record)) };
    }
  }
}
