/** Places in a list as text that callers pass back unread. */
import { base64UrlOf } from "./bytes.ts";
import { parseJson } from "./json.ts";

/** A place as text: JSON as base64url. */
export const toOpaque = (place: readonly (string | number | null)[]): string =>
  base64UrlOf(JSON.stringify(place));

/** The place of a text that `toOpaque` made; null for any other text. */
export const fromOpaque = (text: string): readonly unknown[] | null => {
  if (!/^[\w-]{1,2048}$/.test(text)) return null;
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const place = parseJson(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
    return Array.isArray(place) ? place : null;
  } catch {
    return null;
  }
};
