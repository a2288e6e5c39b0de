/** Moments in forms. A field of the type datetime-local has no time zone: here it is always UTC. Pure. */

const LOCAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/;
const ZONED = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/** A moment as a form or an address gives it, as ISO 8601 in UTC; null if it is none. */
export const momentOf = (text: string): string | null => {
  const value = text.trim();
  const at = LOCAL.test(value) ? Date.parse(`${value}Z`) : ZONED.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : new Date(at).toISOString();
};

/** The value of a field that shows a moment. @param iso ISO 8601 in UTC; null: an empty field */
export const fieldValue = (iso: string | null): string => {
  if (iso === null) return "";
  const isWholeMinute = iso.slice(17) === "00.000Z";
  return iso.slice(0, isWholeMinute ? 16 : 19);
};
