/** Pages of documents in the order of a stream's sequence numbers. */

/** A page ends here, which keeps it far below the 32 MiB that one RPC may carry, and memory use flat. */
const MAX_PAGE_CHARS = 4_000_000;

interface Numbered {
  readonly sequence: number;
  readonly json: string;
}

/** A page. `last` is the number that the next page continues after. */
interface SequencePage<T> {
  readonly items: T[];
  readonly last: number;
  readonly more: boolean;
}

/**
 * Reads until there are `limit` documents or the page is large.
 * @param chunk how many are read at a time, so that a page of large documents does not read many more than it returns
 * @param read the next documents after a number, at most as many as are wanted
 */
export const readPage = <T extends Numbered>(
  { after, limit }: { readonly after: number; readonly limit: number },
  chunk: number,
  read: (after: number, want: number) => readonly T[],
): SequencePage<T> => {
  const items: T[] = [];
  let chars = 0;
  let last = after;
  let more = true;
  while (more && items.length < limit && chars < MAX_PAGE_CHARS) {
    const want = Math.min(chunk, limit - items.length);
    const next = read(last, want);
    for (const item of next) {
      if (chars >= MAX_PAGE_CHARS) break;
      items.push(item);
      chars += item.json.length;
      last = item.sequence;
    }
    more = next.length === want || last !== (next.at(-1)?.sequence ?? last);
  }
  return { items, last, more };
};
