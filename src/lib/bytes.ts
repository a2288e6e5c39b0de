/** Text as bytes, SHA-256 and hexadecimal. */

const encoder = new TextEncoder();

/** The UTF-8 bytes of a text. */
export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** The SHA-256 of a text's UTF-8 bytes. */
export const sha256 = async (text: string): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text)));

/** Bytes as lower-case hexadecimal, two digits per byte. */
export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The bytes that an even number of hexadecimal digits stand for. The caller checks the digits. */
export const fromHex = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** The SHA-256 of a text as 64 lower-case hexadecimal digits. */
export const sha256Hex = async (text: string): Promise<string> => toHex(await sha256(text));

/** A text's UTF-8 bytes in base64 (RFC 4648, section 4). */
export const base64Of = (text: string): string =>
  btoa(Array.from(utf8(text), (byte) => String.fromCharCode(byte)).join(""));

/** The same in base64url without padding (section 5). */
export const base64UrlOf = (text: string): string =>
  base64Of(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
