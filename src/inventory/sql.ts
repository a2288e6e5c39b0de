/** Rows a page as SQL sees them: one JSON array bound as one parameter, in pieces below SQLite's 2 MB a value. */
const MAX_CHUNK_CHARS = 500_000;

/** Splits rows into JSON arrays that each fit one bound parameter (a character is at most 3 bytes here). */
export const jsonChunks = (rows: readonly (readonly unknown[] | string)[]): string[] => {
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
