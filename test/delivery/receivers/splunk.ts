/** Splunk's HTTP Event Collector: its codes, its concatenated events, its acknowledgements. */
import {
  type Delivered,
  deliveredOf,
  isEvent,
  isPoisoned,
  json,
  type Poisoned,
  parse,
  type Receiver,
} from "./receiver.ts";

const answer = (status: number, code: number, text: string, extra: object = {}): Response =>
  json(status, { text, code, ...extra });

export interface SplunkReceiverOptions {
  readonly token: string;
  /** The HEC token's "Enable indexer acknowledgement". */
  readonly ack: boolean;
  readonly indexes: readonly string[];
}

export class SplunkReceiver implements Receiver {
  readonly delivered: Delivered[] = [];
  poisoned: Poisoned = new Set();
  readonly envelopes: Record<string, unknown>[] = [];
  readonly channels = new Set<string>();
  /** Whether indexers acknowledge: what is sent waits until they do. */
  acknowledges = true;
  polls = 0;
  readonly options: SplunkReceiverOptions;
  #ackId = 0;

  constructor(options: SplunkReceiverOptions) {
    this.options = options;
  }

  async handle(request: Request): Promise<Response> {
    const { token, ack, indexes } = this.options;
    const authorization = request.headers.get("authorization");
    if (authorization === null) return answer(401, 2, "Token is required");
    if (!authorization.startsWith("Splunk ")) return answer(401, 3, "Invalid authorization");
    if (authorization !== `Splunk ${token}`) return answer(403, 4, "Invalid token");
    const channel = request.headers.get("x-splunk-request-channel");
    if (ack && channel === null) return answer(400, 10, "Data channel is missing");
    if (channel !== null) {
      if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(channel))
        return answer(400, 11, "Invalid data channel");
      this.channels.add(channel);
    }
    const text = await request.text();
    const { pathname } = new URL(request.url);
    if (pathname === "/services/collector/ack") return this.#acks(text);
    if (!/^\/services\/collector\/event(\/1\.0)?$/.test(pathname))
      return json(404, { text: "The requested URL was not found" });
    if (text === "") return answer(400, 5, "No data");

    // Events are indexed as they are read: what comes before a wrong one is in.
    for (const [index, line] of text.split("\n").entries()) {
      const envelope = parse(line);
      const at = { "invalid-event-number": index };
      if (typeof envelope !== "object" || envelope === null) return answer(400, 6, "Invalid data format", at);
      if (!("event" in envelope)) return answer(400, 12, "Event field is required", at);
      if (!isEvent(envelope.event) || isPoisoned(envelope.event, this.poisoned))
        return answer(400, 6, "Invalid data format", at);
      if ("index" in envelope && !indexes.includes(String(envelope.index)))
        return answer(400, 7, "Incorrect index", at);
      // The collector takes a number as text as well, which is how Splunk's own logger sends it.
      if ("time" in envelope && !Number.isFinite(Number(envelope.time)))
        return answer(400, 6, "Invalid data format", at);
      this.envelopes.push({ ...envelope });
      this.delivered.push(deliveredOf(envelope.event));
    }
    this.#ackId += 1;
    return answer(200, 0, "Success", ack ? { ackId: this.#ackId } : {});
  }

  #acks(text: string): Response {
    if (!this.options.ack) return answer(400, 14, "ACK is disabled");
    this.polls += 1;
    const body = parse(text);
    if (typeof body !== "object" || body === null || !("acks" in body) || !Array.isArray(body.acks)) {
      return answer(400, 6, "Invalid data format");
    }
    return json(200, { acks: Object.fromEntries(body.acks.map((id) => [String(id), this.acknowledges])) });
  }
}
