/** Reading JSON from outside. */

/** Whether a value is an object that is neither null nor an array. */
export const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value of a JSON text; undefined if the text is not JSON. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // HTML, an empty text or a truncated document: the caller decides what that means.
    return undefined;
  }
};
