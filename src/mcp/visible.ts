/**
 * Text from Okta as an agent may read it. It reaches a model as a value and never as a word of ours, and what could hide in
 * it, or turn the order of what is read, is made visible. Pure.
 */

/** Control and format characters (direction marks, zero widths, tags), separators of lines, selectors of variations. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|\p{Variation_Selector}/gu;

/** Characters of one text at most. No field of Okta's that matters is longer. */
const MOST_CHARACTERS = 4_000;

const named = (character: string): string =>
  `[U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`;

/** A text with nothing hidden in it: a right-to-left override becomes `[U+202E]`. */
export const visibleText = (text: string): string => {
  const shown = text.replace(HIDDEN, named);
  return shown.length <= MOST_CHARACTERS ? shown : `${shown.slice(0, MOST_CHARACTERS)}[cut]`;
};

/** The same for every text in a document, names of keys included. */
export const visible = (value: unknown): unknown => {
  if (typeof value === "string") return visibleText(value);
  if (Array.isArray(value)) return value.map(visible);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [visibleText(key), visible(inner)] as const),
  );
};
