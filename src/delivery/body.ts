/** Bodies and digests of requests. */

const encoder = new TextEncoder();

const hex = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** SHA-256 of a text, lower-case hex. */
export const sha256Hex = async (text: string): Promise<string> =>
  hex(await crypto.subtle.digest("SHA-256", encoder.encode(text)));

/** A gzip member that holds the text. */
export const gzip = async (text: string): Promise<Uint8Array<ArrayBuffer>> => {
  const compressed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(compressed).arrayBuffer());
};

/** Lines, each ended. */
export const ndjson = (lines: readonly string[]): string =>
  lines.length === 0 ? "" : `${lines.join("\n")}\n`;

/**
 * Signs a body together with the time, as Stripe's and Slack's web hooks do, so that an old request cannot be
 * replayed: HMAC-SHA-256 over `<t>.<body>`.
 *
 * @param body the bytes as they go over the wire, thus compressed where they are.
 * @param seconds since the epoch.
 * @returns the value of X-Signature: `t=<seconds>,v1=<lower-case hex>`.
 */
export const signature = async (key: string, body: Uint8Array | string, seconds: number): Promise<string> => {
  const imported = await crypto.subtle.importKey(
    "raw",
    encoder.encode(key),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  const prefix = encoder.encode(`${seconds}.`);
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  const signed = new Uint8Array(prefix.length + bytes.length);
  signed.set(prefix);
  signed.set(bytes, prefix.length);
  return `t=${seconds},v1=${hex(await crypto.subtle.sign("HMAC", imported, signed))}`;
};
