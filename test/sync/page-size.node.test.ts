import fc from "fast-check";
import { expect, test } from "vitest";
import { afterPage, nextLimit, type PageSize } from "../../src/sync/page-size.ts";
import { examples } from "../support/seeds.ts";

const WHOLE = 200;

/**
 * Reads pages of a list of which pages up to `works` entries come in time, as a caller does that halves what fails.
 * @returns the sizes of all pages that were read, and the number of calls that failed
 */
const readPages = (works: (page: number) => number, pages: number) => {
  let size: PageSize | undefined;
  const read: number[] = [];
  let failed = 0;
  while (read.length < pages) {
    const asked = nextLimit(size, WHOLE) ?? WHOLE;
    let limit = asked;
    for (; limit > works(read.length); limit = Math.ceil(limit / 2)) failed += 1;
    read.push(limit);
    size = afterPage(size, WHOLE, limit === asked ? undefined : limit, true);
  }
  return { read, failed };
};

test("without a failure nothing is remembered", () => {
  expect(nextLimit(undefined, WHOLE)).toBeUndefined();
  expect(afterPage(undefined, WHOLE, undefined, true)).toBeUndefined();
});

test("after one failure pages grow back to their whole size", () => {
  const { read, failed } = readPages((page) => (page === 2 ? 60 : WHOLE), 25);
  expect(failed).toBe(2);
  expect(read).toEqual([200, 200, ...Array(8).fill(50), ...Array(8).fill(100), ...Array(7).fill(200)]);
});

test("a size that never works is tried less and less", () => {
  const { read, failed } = readPages(() => 60, 640);
  expect(new Set(read)).toEqual(new Set([50]));
  // Two at first, then one after 8, 16, 32, 64, 64 … pages: in 640 these are three and nine.
  expect(failed).toBe(2 + 3 + 9);
});

test("a failure that was given up makes the next page smaller", () => {
  const size = afterPage(undefined, WHOLE, 13, false);
  expect(nextLimit(size, WHOLE)).toBe(13);
  expect(nextLimit(afterPage(size, WHOLE, 4, false), WHOLE)).toBe(4);
});

test("no page is ever larger than a whole one or smaller than one entry, and each that works is reached", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 }), (works) => {
      const { read } = readPages((page) => works[page] ?? WHOLE, 600);
      expect(read.every((limit) => limit >= 1 && limit <= WHOLE)).toBe(true);
      expect(read.at(-1)).toBe(WHOLE);
    }),
    examples(50),
  );
});
