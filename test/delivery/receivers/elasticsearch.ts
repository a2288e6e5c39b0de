/** Elasticsearch's bulk API: line format, external versions, errors per item. */
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

interface Item {
  readonly status: number;
  readonly error?: { readonly type: string; readonly reason: string };
}

export class ElasticsearchReceiver implements Receiver {
  readonly delivered: Delivered[] = [];
  poisoned: Poisoned = new Set();
  /** By _id. */
  readonly documents = new Map<string, { version: number; source: unknown }>();
  /** How many items are taken before the write queue is full; refilled by whoever sets it. */
  room = Number.POSITIVE_INFINITY;
  mayWrite = true;
  mayRead = true;
  exists = true;
  /** The status of an item that fails; null where it does not. */
  itemStatus: (user: { readonly uid: string }) => number | null = () => null;
  knowsSecurity = true;
  readonly apiKey: string;
  readonly index: string;

  constructor(apiKey: string, index: string) {
    this.apiKey = apiKey;
    this.index = index;
  }

  /** Elasticsearch's clients refuse to talk to anything that does not name itself so. */
  async handle(request: Request): Promise<Response> {
    const response = await this.#answer(request);
    response.headers.set("x-elastic-product", "Elasticsearch");
    return response;
  }

  async #answer(request: Request): Promise<Response> {
    if (request.headers.get("authorization") !== `ApiKey ${this.apiKey}`) {
      return json(401, {
        error: { type: "security_exception", reason: "unable to authenticate" },
        status: 401,
      });
    }
    const { pathname } = new URL(request.url);
    const text = new TextDecoder().decode(await request.arrayBuffer());
    if (pathname === "/_security/user/_has_privileges") {
      return this.knowsSecurity
        ? json(200, { has_all_requested: this.mayWrite, index: {} })
        : json(400, { error: { type: "illegal_argument_exception", reason: "no handler" }, status: 400 });
    }
    if (pathname === "/_mget" && request.method === "POST") return this.#held(text);
    if (pathname === "/" && request.method === "GET") return json(200, { tagline: "You Know, for Search" });
    if (pathname !== "/_bulk" || request.method !== "POST")
      return json(404, { error: "no handler found", status: 404 });
    const type = request.headers.get("content-type") ?? "";
    if (!/^application\/(x-ndjson|vnd\.elasticsearch\+x-ndjson; ?compatible-with=8)$/.test(type))
      return json(406, { error: "content type" });
    if (!text.endsWith("\n")) {
      const reason = "The bulk request must be terminated by a newline [\\n]";
      return json(400, { error: { type: "illegal_argument_exception", reason }, status: 400 });
    }
    const lines = text.slice(0, -1).split("\n").map(parse);
    if (lines.length % 2 !== 0) return json(400, { error: "odd number of lines", status: 400 });
    const items: { index: Item }[] = [];
    for (let at = 0; at < lines.length; at += 2) items.push({ index: this.#write(lines[at], lines[at + 1]) });
    return json(200, { errors: items.some(({ index }) => index.error !== undefined), items });
  }

  #held(text: string): Response {
    if (!this.mayRead) return json(403, { error: { type: "security_exception" }, status: 403 });
    const asked = parse(text) as { docs: readonly { _index: string; _id: string }[] };
    return json(200, {
      docs: asked.docs.map(({ _index, _id }) => {
        const held = this.documents.get(_id);
        return held === undefined
          ? { _index, _id, found: false }
          : { _index, _id, found: true, _version: held.version, _source: held.source };
      }),
    });
  }

  #write(action: unknown, source: unknown): Item {
    const meta =
      typeof action === "object" && action !== null && "index" in action ? Object(action.index) : undefined;
    if (!this.exists || meta?._index !== this.index) {
      return {
        status: 404,
        error: { type: "index_not_found_exception", reason: `no such index [${meta?._index}]` },
      };
    }
    if (
      meta.version_type !== "external_gte" ||
      typeof meta.version !== "number" ||
      typeof meta._id !== "string"
    ) {
      return { status: 400, error: { type: "action_request_validation_exception", reason: "version" } };
    }
    if (!this.mayWrite) return { status: 403, error: { type: "security_exception", reason: "unauthorized" } };
    if (this.room <= 0)
      return { status: 429, error: { type: "es_rejected_execution_exception", reason: "queue full" } };
    this.room -= 1;
    const failure = isEvent(source) ? this.itemStatus(source.user) : null;
    if (failure !== null)
      return { status: failure, error: { type: "an_exception", reason: "it does not work at present" } };
    if (!isEvent(source) || isPoisoned(source, this.poisoned)) {
      return {
        status: 400,
        error: { type: "document_parsing_exception", reason: "failed to parse field [n]" },
      };
    }
    const held = this.documents.get(meta._id);
    if (held !== undefined && held.version > meta.version) {
      return { status: 409, error: { type: "version_conflict_engine_exception", reason: "newer" } };
    }
    this.documents.set(meta._id, { version: meta.version, source });
    this.delivered.push(deliveredOf(source));
    return { status: held === undefined ? 201 : 200 };
  }
}
