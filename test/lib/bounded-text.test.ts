/** Runs in the Workers runtime: a body can arrive in pieces of any size and can break off. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readBounded } from "../../src/lib/bounded-text.ts";
import { examples } from "../support/seeds.ts";

/** A response whose body is a byte stream, as from fetch, that arrives in these pieces. */
const inPieces = (pieces: readonly Uint8Array[], end: "close" | "error" = "close") => {
  const state = { given: 0, cancelled: false };
  const stream = new ReadableStream({
    type: "bytes",
    pull(controller: ReadableByteStreamController) {
      const piece = pieces[state.given];
      state.given += 1;
      if (piece !== undefined) controller.enqueue(piece.slice());
      else if (end === "error") controller.error(new TypeError("connection reset"));
      else {
        controller.close();
        controller.byobRequest?.respond(0);
      }
    },
    cancel() {
      state.cancelled = true;
    },
  });
  return { response: new Response(stream), state };
};

const bytes = (text: string) => new TextEncoder().encode(text);

const cut = (all: Uint8Array, sizes: readonly number[]): Uint8Array[] => {
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (let turn = 0; from < all.length; turn++) {
    const to = from + (sizes[turn % sizes.length] ?? 1);
    pieces.push(all.slice(from, to));
    from = to;
  }
  return pieces;
};

describe("readBounded", () => {
  test("returns the text, however the bytes are cut into pieces", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "grapheme", maxLength: 20 }),
        fc.integer({ min: 0, max: 30_000 }),
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 5 }),
        async (word, length, sizes) => {
          const text = word.repeat(Math.ceil(length / Math.max(1, bytes(word).length)));
          const { response } = inPieces(cut(bytes(text), word === "" ? [1] : sizes));
          expect(await readBounded(response, 10_000_000)).toEqual({ text, whole: true });
        },
      ),
      examples(60),
    );
  });

  test.each([
    ["no body at all", new Response(null), ""],
    ["an empty body", new Response(""), ""],
    ["one byte", new Response("x"), "x"],
    ["exactly the first buffer", new Response("a".repeat(8192)), "a".repeat(8192)],
    ["one byte more", new Response("a".repeat(8193)), "a".repeat(8193)],
    ["a page of a list", new Response("é".repeat(400_000)), "é".repeat(400_000)],
  ])("%s", async (_, response, text) => {
    expect(await readBounded(response, 1_000_000)).toEqual({ text, whole: true });
  });

  test("a body larger than allowed is not whole, and reading it stops", async () => {
    const piece = new Uint8Array(64 * 1024).fill(97);
    const { response, state } = inPieces(Array.from({ length: 1000 }, () => piece));
    const { text, whole } = await readBounded(response, 100_000);
    expect(whole).toBe(false);
    expect(text.startsWith("a".repeat(100_000))).toBe(true);
    expect(state.cancelled).toBe(true);
    expect(state.given).toBeLessThan(20);
  });

  test("a body of exactly the allowed size is whole; one more byte is not", async () => {
    const of = (length: number) => readBounded(new Response("a".repeat(length)), 20_000);
    expect((await of(20_000)).whole).toBe(true);
    expect((await of(20_001)).whole).toBe(false);
  });

  test("a declared length within the bound is read as it is", async () => {
    const text = "é".repeat(10_000);
    const length = String(bytes(text).length);
    const { response } = inPieces(cut(bytes(text), [7, 4096]));
    const declared = new Response(response.body, { headers: { "content-length": length } });
    expect(await readBounded(declared, 20_000)).toEqual({ text, whole: true });
  });

  test.each([
    ["a declared length beyond the bound", { "content-length": "1000000" }],
    ["a length that is none", { "content-length": "1e3" }],
    ["the length of a body that is unpacked", { "content-length": "1000", "content-encoding": "gzip" }],
  ])("%s leaves the bound as it is", async (_, headers) => {
    const piece = new Uint8Array(64 * 1024).fill(97);
    const { response, state } = inPieces(Array.from({ length: 1000 }, () => piece));
    const { whole } = await readBounded(new Response(response.body, { headers }), 100_000);
    expect(whole).toBe(false);
    expect(state.cancelled).toBe(true);
    expect(state.given).toBeLessThan(20);
  });

  test("throws when the connection breaks off, also of a declared length", async () => {
    const { response } = inPieces([bytes("[{")], "error");
    const declared = new Response(response.body, { headers: { "content-length": "100" } });
    await expect(readBounded(declared, 1000)).rejects.toThrow();
  });

  test("throws when the connection breaks off", async () => {
    const { response } = inPieces([bytes("[{")], "error");
    await expect(readBounded(response, 1000)).rejects.toThrow("connection reset");
  });
});
