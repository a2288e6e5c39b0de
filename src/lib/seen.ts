/** Which of very many texts have occurred before. */

/** How full the table gets before it grows. */
const FULL = 0.6;
const SMALLEST = 256;

/** FNV-1a, 32 bits; never 0, which marks a free slot. */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0 || 1;
};

/**
 * A set of texts that takes some eight bytes for each: of each text it keeps 32 bits. So it takes a new text for a known
 * one now and then, which is harmless where many texts decide.
 */
export class Seen {
  #slots = new Uint32Array(SMALLEST);
  #size = 0;

  /** Adds a text. @returns whether it is new */
  add(text: string): boolean {
    if (this.#size >= this.#slots.length * FULL) this.#grow();
    const isNew = this.#put(hashOf(text));
    if (isNew) this.#size += 1;
    return isNew;
  }

  #put(hash: number): boolean {
    const slots = this.#slots;
    for (let slot = hash % slots.length; ; slot = (slot + 1) % slots.length) {
      if (slots[slot] === hash) return false;
      if (slots[slot] !== 0) continue;
      slots[slot] = hash;
      return true;
    }
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Uint32Array(before.length * 2);
    for (const hash of before) if (hash !== 0) this.#put(hash);
  }
}
