/** A text as a literal. */
export const quoted = (text: string): string => `'${text.replaceAll("\0", "").replaceAll("'", "''")}'`;

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
