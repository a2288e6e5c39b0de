/** The text of a body from outside, read up to a bound whatever length its headers claim. */
export interface BoundedText {
  /** The whole body, or its beginning. */
  readonly text: string;
  /** False if the body is larger than allowed; what is beyond was not read. */
  readonly whole: boolean;
}

/** Most bodies fit into the first buffer; a page of a list is read in larger pieces. */
const FIRST_BYTES = 8 * 1024;
const FURTHER_BYTES = 128 * 1024;

/** The runtime's types lack `min`, which the Streams standard has (ReadableStreamBYOBReaderReadOptions). */
interface FillingReader {
  read(
    view: Uint8Array<ArrayBuffer>,
    options: { readonly min: number },
  ): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>>;
  cancel(): Promise<void>;
}

const utf8 = new TextDecoder();

/** Whether a body is surely within the bound: HTTP ends it at the length that is declared, unless it is unpacked later. */
const isSurelyWithin = ({ headers }: Response, maxBytes: number): boolean => {
  const length = headers.get("content-length");
  return (
    length !== null &&
    /^\d{1,15}$/.test(length) &&
    Number(length) <= maxBytes &&
    headers.get("content-encoding") === null
  );
};

/**
 * Reads a body as UTF-8: at most `maxBytes`, plus what fills the last buffer. A body of a declared length within the bound
 * is read by the runtime itself, which is fastest. Of any other, each read fills its buffer before it returns, so a body
 * of less than 8 KiB costs one call into the runtime. Throws what the body throws when the connection breaks or its
 * signal is aborted.
 */
export const readBounded = async (response: Response, maxBytes: number): Promise<BoundedText> => {
  if (isSurelyWithin(response, maxBytes)) return { text: await response.text(), whole: true };
  const { body } = response;
  if (body === null) return { text: "", whole: true };
  // The types lack `min`; see FillingReader.
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
