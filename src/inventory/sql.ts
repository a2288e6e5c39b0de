/** A text as a literal. */
export const quoted = (text: string): string => `'${text.replaceAll("\0", "").replaceAll("'", "''")}'`;

/** How many rows one statement returns or changes, at most, where all rows may be concerned. */
export const ROWS_AT_ONCE = 1_000;

/**
 * Does something with many ids, part by part.
 * @param take changes the next rows, `ROWS_AT_ONCE` at most, so that it does not meet them again, and returns their ids
 */
export const inParts = (take: () => readonly string[], use: (ids: readonly string[]) => void): void => {
  for (let ids = take(); ids.length > 0; ids = take()) {
    use(ids);
    if (ids.length < ROWS_AT_ONCE) return;
  }
};

/** An asset, and the number of its row. */
export interface NumberedAsset {
  readonly id: string;
  readonly number: number;
}

/**
 * Does something with all assets that meet a condition, part by part in the order of their numbers.
 * @param where SQL about `assets`, with the parameters ?1 and so on
 */
export const forAssets = (
  sql: SqlStorage,
  where: string,
  parameters: readonly SqlStorageValue[],
  use: (assets: readonly NumberedAsset[]) => void,
): void => {
  const place = parameters.length + 1;
  for (let last: number | undefined = 0; last !== undefined; ) {
    const rows = sql
      .exec<{ id: string; number: number }>(
        `SELECT id, number FROM assets WHERE number > ?${place} AND ${where} ORDER BY number LIMIT ?${place + 1}`,
        ...parameters,
        last,
        ROWS_AT_ONCE,
      )
      .toArray();
    if (rows.length > 0) use(rows);
    last = rows.length < ROWS_AT_ONCE ? undefined : rows.at(-1)?.number;
  }
};

/** Keeps a bound parameter below the 2 MB that a value may have: a UTF-16 code unit takes at most 3 bytes. */
const MAX_CHUNK_CHARS = 500_000;
/** So many rows most likely fit into one chunk: the ids or records of a page of a list. */
const FEW_ROWS = 1_000;

/**
 * Joins rows into JSON arrays, each small enough to be bound as one parameter and read with `json_each`. A single row
 * that is larger becomes an array of its own.
 */
export const jsonChunks = (rows: readonly (readonly unknown[] | string)[]): string[] => {
  if (rows.length === 0) return [];
  // Few rows are one chunk, which is made at once.
  if (rows.length <= FEW_ROWS) {
    const text = JSON.stringify(rows);
    if (text.length <= MAX_CHUNK_CHARS) return [text];
  }
  const chunks: string[] = [];
  let parts: string[] = [];
  let size = 0;
  for (const row of rows) {
    const text = JSON.stringify(row);
    if (size > 0 && size + text.length > MAX_CHUNK_CHARS) {
      chunks.push(`[${parts.join(",")}]`);
      parts = [];
      size = 0;
    }
    parts.push(text);
    size += text.length + 1;
  }
  if (parts.length > 0) chunks.push(`[${parts.join(",")}]`);
  return chunks;
};
