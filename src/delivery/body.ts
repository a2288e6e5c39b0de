/** Bodies and digests of requests. */
import { toHex, utf8 } from "../lib/bytes.ts";

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
  const imported = await crypto.subtle.importKey("raw", utf8(key), { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
  ]);
  const prefix = utf8(`${seconds}.`);
  const bytes = typeof body === "string" ? utf8(body) : body;
  const signed = new Uint8Array(prefix.length + bytes.length);
  signed.set(prefix);
  signed.set(bytes, prefix.length);
  return `t=${seconds},v1=${toHex(new Uint8Array(await crypto.subtle.sign("HMAC", imported, signed)))}`;
};
