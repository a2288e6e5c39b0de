/** The words of a text, as the search index knows them. Pure. */
const maxWords = 8;
const maxWordLength = 64;

/**
 * What is between words. SQLite's tokenizer knows Unicode 6.1, where the letters named here (New Tai Lue vowels and
 * two Vedic signs) were marks: it splits a word at them, and an index without positions refuses such a phrase.
 */
const betweenWords = /(?:[^\p{L}\p{N}]|[\u19b0-\u19c0\u19c8\u19c9\u1cf2\u1cf3])+/u;

/**
 * The words of a text, split as the index splits them: runs of letters and digits. At most 8, each cut at 64
 * characters.
 */
export const searchWords = (text: string): string[] =>
  text
    .normalize("NFC")
    .split(betweenWords)
    .filter((word) => word !== "")
    .slice(0, maxWords)
    .map((word) => word.slice(0, maxWordLength));
