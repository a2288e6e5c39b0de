/** Bodies of others are read up to a bound, whatever they claim of their length. */
export interface BoundedText {
  /** The body, or its beginning. */
  readonly text: string;
  /** False when there is more than was allowed; the rest is not read. */
  readonly whole: boolean;
}

/** Most answers fit at once; a page of a list is read in larger pieces. */
const FIRST_BYTES = 8 * 1024;
const FURTHER_BYTES = 128 * 1024;

/** `min` is in the Streams standard (ReadableStreamBYOBReaderReadOptions) and in the runtime, not yet in its types. */
interface FillingReader {
  read(
    view: Uint8Array<ArrayBuffer>,
    options: { readonly min: number },
  ): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>>;
  cancel(): Promise<void>;
}

const utf8 = new TextDecoder();

/**
 * Reads a body as UTF-8, at most `maxBytes` of it and what fills the last buffer. Each buffer is filled before it
 * comes back, so that a small body costs one call into the runtime; throws as the body does when the connection
 * breaks off or its signal is aborted.
 */
export const readBounded = async ({ body }: Response, maxBytes: number): Promise<BoundedText> => {
  if (body === null) return { text: "", whole: true };
  // What the types lack, see above.
  const reader = body.getReader({ mode: "byob" }) as unknown as FillingReader;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for (let size = FIRST_BYTES; ; size = FURTHER_BYTES) {
    const { done, value } = await reader.read(new Uint8Array(size), { min: size });
    if (value !== undefined) pieces.push(value);
    bytes += value?.byteLength ?? 0;
    const last = done || value.byteLength < size;
    const whole = bytes <= maxBytes;
    if (last || !whole) {
      if (!last) await reader.cancel();
      return { text: utf8.decode(joined(pieces, bytes)), whole };
    }
  }
};

const joined = (pieces: readonly Uint8Array<ArrayBuffer>[], bytes: number): Uint8Array<ArrayBuffer> => {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return first;
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.byteLength;
  }
  return all;
};
