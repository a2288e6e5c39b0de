/** Reading assets with the facts that their events are made of. */

/** An asset as it is stored. */
export interface StoredAsset<F> {
  readonly id: string;
  readonly sequence: number;
  /** When this content was stored, ms since the epoch. */
  readonly changedAt: number;
  /** When the deletion was confirmed, ms since the epoch; null while the asset exists. */
  readonly deletedAt: number | null;
  readonly facts: F;
}

/** Reads the assets of one stream, deleted ones included. */
export interface AssetReader<F> {
  /** Those with a greater sequence number than `after`, in its order, at most `limit`. */
  after(after: number, limit: number): Iterable<StoredAsset<F>>;
  one(id: string): StoredAsset<F> | null;
  /** Those with these ids, in the order of the ids; at most a few hundred. */
  of(ids: readonly string[]): StoredAsset<F>[];
}

/** Puts what was found into the order of the ids that were asked for. */
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

/** Assets of which the record is all that is known. */
export class RecordReader<R, F> implements AssetReader<F> {
  readonly #sql: SqlStorage;
  readonly #factsOf: (record: R) => F;

  /** @param factsOf what the stream's definition makes of a record that it filed */
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
