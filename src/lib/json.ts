/** JSON that others wrote. */

/** Any object but a list. */
export const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What the text says; undefined when it is not JSON. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    // HTML, nothing, half a document: the caller decides what that means.
    return undefined;
  }
};
