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

/** How many brackets and braces a text opens outside its strings and does not close. */
const unclosed = (text: string): number => {
  const bare = text.replace(/"(?:\\.|[^"\\])*"?/g, "");
  const count = (pattern: RegExp): number => bare.match(pattern)?.length ?? 0;
  return count(/[[{]/g) - count(/[\]}]/g);
};

/** What is wrong with a text that is not JSON, as a phrase that does not repeat it. */
export const jsonFault = (text: string): string => {
  const trimmed = text.trim();
  if (/[\u201c-\u201f\u00ab\u00bb]/.test(trimmed))
    return 'it is not JSON: its quotes are typographic ones, where JSON takes only "';
  if (/^['`]/.test(trimmed))
    return "it is not JSON: it begins with a quote that does not belong to the value";
  if (/^[[{]/.test(trimmed) && unclosed(trimmed) > 0)
    return "it is not JSON: its end is missing. In .dev.vars, a value of several lines needs single quotes around it";
  return "it is not JSON (names and text stand in double quotes, no comma after the last item)";
};
