/** Bounds that several parts of the API keep or state, so that the texts cannot differ from the code. */

/** Characters of a URL. Cloudflare's own limit is 16 KB. */
export const maxUrlLength = 16_384;

/** Characters of all header names and values, with 4 for the separators of each. */
export const maxHeadersLength = 32 * 1024;

/** Bytes of a body. */
export const maxBodyBytes = 256 * 1024;

/** Bytes of the body of an event hook. */
export const maxHookBytes = 1024 * 1024;

/** Characters of a search text. */
export const maxSearchLength = 200;

/** Errors that one answer lists; any further ones are left out. */
export const maxErrors = 20;

/** `16,384`. The runtime's own formatter takes 10 ms to be ready, a sixth of what the start of the Worker may take. */
export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
