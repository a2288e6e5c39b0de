/** Small readers of untrusted JSON: each returns a value of the expected type and of bounded size, or null. */
import { isPlainObject } from "../../lib/json.ts";

/** A JSON object of which nothing is known yet. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** UTF-16 units. Okta's own bound for a profile string is far lower; this only keeps a hostile row small. */
const MAX_TEXT_UNITS = 4096;

/** Ids of objects, uuids of log events. Anything else is not taken for an id, because ids end up in URLs and keys. */
const ID = /^[A-Za-z0-9_-]{1,100}$/;

/** Okta's `YYYY-MM-DDTHH:mm:ss.SSSZ` and similar forms; `Date.parse` alone also accepts `foo 1` as a date. */
const ISO_DATE = /^\d{4}-\d{2}-\d{2}(?:T|$)/;

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

/** Cuts at the bound without splitting a character, and replaces lone surrogates, which UTF-8 cannot carry. */
const bounded = (value: string): string => {
  let cut = value;
  if (value.length > MAX_TEXT_UNITS) {
    const end = isHighSurrogate(value.charCodeAt(MAX_TEXT_UNITS - 1)) ? MAX_TEXT_UNITS - 1 : MAX_TEXT_UNITS;
    cut = value.slice(0, end);
  }
  return cut.isWellFormed() ? cut : cut.toWellFormed();
};

/** The object under `key`, or null. */
export const child = (record: JsonRecord, key: string): JsonRecord | null => {
  const value = record[key];
  return isPlainObject(value) ? value : null;
};

/** The list under `key`; anything else is an empty list. */
export const list = (record: JsonRecord, key: string): readonly unknown[] => {
  const value = record[key];
  return Array.isArray(value) ? value : [];
};

/** The string under `key` as given (an empty one stays empty), bounded and well-formed, or null. */
export const text = (record: JsonRecord, key: string): string | null => {
  const value = record[key];
  return typeof value === "string" ? bounded(value) : null;
};

/** Like `text`, for words that mean nothing when they are empty: a status, a type. */
export const word = (record: JsonRecord, key: string): string | null => text(record, key) || null;

/** The timestamp under `key` as Okta wrote it, or null when it is not a date. */
export const time = (record: JsonRecord, key: string): string | null => {
  const value = record[key];
  return typeof value === "string" &&
    value.length <= 40 &&
    ISO_DATE.test(value) &&
    !Number.isNaN(Date.parse(value))
    ? value
    : null;
};

/** The boolean under `key`, or null; `"true"` and 1 are not booleans. */
export const flag = (record: JsonRecord, key: string): boolean | null => {
  const value = record[key];
  return typeof value === "boolean" ? value : null;
};

/** The string, bounded, number or boolean under `key`, or null. */
export const scalar = (record: JsonRecord, key: string): string | number | boolean | null => {
  const value = record[key];
  return typeof value === "number" && Number.isFinite(value)
    ? value
    : (text(record, key) ?? flag(record, key));
};

/** The whole, non-negative number under `key`, or null. */
export const count = (record: JsonRecord, key: string): number | null => {
  const value = record[key];
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
};

/** The id under `key`, or null. */
export const identifier = (record: JsonRecord, key: string): string | null => {
  const value = record[key];
  return typeof value === "string" && ID.test(value) ? value : null;
};

/** Compares by UTF-16 units, which is the same everywhere; null comes last. */
export const compareText = (a: string | null, b: string | null): number => {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b ? -1 : 1;
};
