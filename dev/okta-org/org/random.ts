/** Seeded randomness: the same seed makes the same org on every machine. */

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, n). */
  int(n: number): number;
  chance(probability: number): boolean;
  pick<A extends readonly [unknown, ...unknown[]]>(items: A): A[number];
  weighted<T>(items: readonly (readonly [T, number])[]): T;
  /** An id of 20 characters as Okta makes them: prefix, then base 62. */
  id(prefix: string): string;
  uuid(): string;
  shuffle<T>(items: T[]): T[];
}

/** 32-bit hash of a text (FNV-1a with a final mix). */
export const hash32 = (text: string): number => {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};

/** A generator for one seed and one purpose. Generators for different purposes are independent. */
export const createRandom = (seed: number, purpose: string): Random => {
  let state = hash32(`${seed}/${purpose}`);
  // mulberry32: tiny, fast and good enough for test data.
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const int = (n: number): number => Math.floor(next() * n);
  const hex = (length: number): string => Array.from({ length }, () => int(16).toString(16)).join("");
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick: (items) => items[int(items.length)] ?? items[0],
    weighted: (items) => {
      let total = 0;
      for (const [, weight] of items) total += weight;
      let left = next() * total;
      for (const [item, weight] of items) {
        left -= weight;
        if (left < 0) return item;
      }
      const last = items.at(-1);
      if (last === undefined) throw new RangeError("nothing to pick from");
      return last[0];
    },
    id: (prefix) => {
      let id = prefix;
      while (id.length < 20) id += BASE62[int(62)];
      return id;
    },
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    shuffle: (items) => {
      for (let i = items.length - 1; i > 0; i--) {
        const j = int(i + 1);
        const a = items[i];
        const b = items[j];
        // Both indexes are inside the array; the checks only say so to the compiler.
        if (a !== undefined && b !== undefined) {
          items[i] = b;
          items[j] = a;
        }
      }
      return items;
    },
  };
};
