/** A receiver of JSON lists that behaves as it is told, and keeps what it took. */
import { type Delivered, deliveredOf, isEvent, parse } from "./receivers/receiver.ts";

/** What a receiver is like for a while. */
export type Mood =
  | "takes"
  /** 400 to everything. */
  | "refuses all"
  /** 503 to everything. */
  | "down"
  /** No answer at all. */
  | "gone"
  /** A page to log in with, and nothing is taken. */
  | "login page"
  /** It takes what comes, and the answer's body breaks off. */
  | "cuts"
  /** It takes what comes, and no answer arrives. */
  | "answer lost"
  /** 401 to everything. */
  | "locked";

export const moods: readonly Mood[] = [
  "takes",
  "refuses all",
  "down",
  "gone",
  "login page",
  "cuts",
  "answer lost",
  "locked",
];

export interface Character {
  /** Assets that it answers with 400, with 500, and with 413. */
  readonly refused: ReadonlySet<string>;
  readonly fatal: ReadonlySet<string>;
  readonly huge: ReadonlySet<string>;
  /** More events than this are 413. */
  readonly most: number;
  /** More events than this take longer than anybody waits. */
  readonly slowAbove: number;
}

export const simple: Character = {
  refused: new Set(),
  fatal: new Set(),
  huge: new Set(),
  most: Number.POSITIVE_INFINITY,
  slowAbove: Number.POSITIVE_INFINITY,
};

const cutBody = (): ReadableStream =>
  new ReadableStream({
    type: "bytes",
    pull: (controller) => controller.error(new TypeError("the connection was reset")),
  });

/** How a receiver is spoken to. */
export interface Speech {
  /** The events of a request; anything else is answered with 400. */
  readonly read: (request: Request) => Promise<unknown>;
  /** What it answers when it has taken them, and how it says so where that has a body. */
  readonly taken: { readonly status: number; readonly text: string | null };
}

/** A list of events, answered with 200. */
const plainSpeech: Speech = {
  read: async (request) => parse(await request.text()),
  taken: { status: 200, text: "ok" },
};

export class MoodyReceiver {
  readonly delivered: Delivered[] = [];
  mood: Mood = "takes";
  requests = 0;
  readonly sizes: number[] = [];
  readonly #character: Character;
  readonly #speech: Speech;

  constructor(character: Partial<Character> = {}, speech = plainSpeech) {
    this.#character = { ...simple, ...character };
    this.#speech = speech;
  }

  /** Whether it would ever take an asset. */
  takes(assetId: string): boolean {
    const { refused, fatal, huge } = this.#character;
    return !refused.has(assetId) && !fatal.has(assetId) && !huge.has(assetId);
  }

  readonly fetch: typeof fetch = async (input, init) => {
    this.requests += 1;
    const list = await this.#speech.read(new Request(input, init));
    if (!Array.isArray(list) || !list.every(isEvent)) return new Response("no list", { status: 400 });
    const events = list.map(deliveredOf);
    this.sizes.push(events.length);
    switch (this.mood) {
      case "refuses all":
        return new Response("this action would add [2] shards", { status: 400 });
      case "down":
        return new Response("down", { status: 503 });
      case "gone":
        throw new TypeError("the connection was refused");
      case "login page":
        return new Response("<!DOCTYPE html><title>Sign in</title>");
      case "locked":
        return new Response("who are you", { status: 401 });
      default:
        return this.#take(events);
    }
  };

  #take(events: readonly Delivered[]): Response {
    const { refused, fatal, huge, most, slowAbove } = this.#character;
    const has = (assets: ReadonlySet<string>) => events.some(({ assetId }) => assets.has(assetId));
    if (events.length > most || has(huge)) return new Response("too large", { status: 413 });
    if (events.length > slowAbove) throw new DOMException("too slow", "TimeoutError");
    if (has(fatal)) return new Response("internal error", { status: 500 });
    if (has(refused)) return new Response("field n is not understood", { status: 400 });
    this.delivered.push(...events);
    if (this.mood === "answer lost") throw new TypeError("the connection was reset");
    const { status, text } = this.#speech.taken;
    return new Response(this.mood === "cuts" && text !== null ? cutBody() : text, { status });
  }
}
