/** A collector that checks credential, signature, compression and idempotency, and refuses poisoned batches. */
import {
  bytesToHex,
  type Delivered,
  deliveredOf,
  isEvent,
  isPoisoned,
  json,
  type Poisoned,
  parse,
  type Receiver,
} from "./receiver.ts";

export interface HttpReceiverOptions {
  readonly format: "json" | "ndjson";
  readonly gzip: boolean;
  readonly token: string | null;
  readonly hmacKey: string | null;
  /** Ms since the epoch, for the age of signatures. */
  readonly now: () => number;
  /** Larger bodies are a 413. */
  readonly mostBytes?: number;
}

export class HttpReceiver implements Receiver {
  readonly delivered: Delivered[] = [];
  poisoned: Poisoned = new Set();
  /** Body digests by idempotency key. */
  readonly keys = new Map<string, string>();
  readonly options: HttpReceiverOptions;
  requests = 0;
  /** It has learned to understand what it did not. */
  takesPoison = false;

  constructor(options: HttpReceiverOptions) {
    this.options = options;
  }

  async handle(request: Request): Promise<Response> {
    this.requests += 1;
    const { format, gzip, token, hmacKey, now, mostBytes = 1_048_576 } = this.options;
    const bytes = await request.arrayBuffer();
    if (request.method !== "POST") return json(405, { error: "method" });
    if (token !== null && request.headers.get("authorization") !== `Bearer ${token}`)
      return json(401, { error: "token" });
    if (bytes.byteLength > mostBytes) return json(413, { error: "too large" });
    if (
      hmacKey !== null &&
      !(await this.#isSigned(request.headers.get("x-signature"), bytes, hmacKey, now()))
    ) {
      return json(401, { error: "signature" });
    }
    const type = format === "json" ? "application/json" : "application/x-ndjson";
    if (request.headers.get("content-type") !== type) return json(415, { error: "content type" });
    if ((request.headers.get("content-encoding") === "gzip") !== gzip)
      return json(415, { error: "encoding" });
    const key = request.headers.get("idempotency-key");
    if (key === null) return json(428, { error: "no idempotency key" });

    const text = gzip
      ? await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text()
      : new TextDecoder().decode(bytes);
    const digest = bytesToHex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
    if ((this.keys.get(key) ?? digest) !== digest) return json(418, { error: "one key, two bodies" });
    this.keys.set(key, digest);

    if (format === "ndjson" && text !== "" && !text.endsWith("\n"))
      return json(418, { error: "last line not ended" });
    const list = format === "json" ? parse(text) : text.split("\n").filter(Boolean).map(parse);
    if (!Array.isArray(list) || !list.every(isEvent)) return json(400, { error: "not a list of events" });
    if (!this.takesPoison && list.some((event) => isPoisoned(event, this.poisoned)))
      return json(422, { error: "field n is not understood" });
    this.delivered.push(...list.map(deliveredOf));
    return json(202, { accepted: list.length });
  }

  async #isSigned(header: string | null, bytes: ArrayBuffer, key: string, now: number): Promise<boolean> {
    const [, seconds, given] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header ?? "") ?? [];
    if (seconds === undefined || Math.abs(now / 1000 - Number(seconds)) > 300) return false;
    const signed = await new Blob([`${seconds}.`, bytes]).arrayBuffer();
    const imported = await crypto.subtle.importKey(
      "raw",
      new TextEncoder().encode(key),
      { name: "HMAC", hash: "SHA-256" },
      false,
      ["sign"],
    );
    return bytesToHex(await crypto.subtle.sign("HMAC", imported, signed)) === given;
  }
}
