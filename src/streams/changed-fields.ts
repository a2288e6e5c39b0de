/** The fields of records, by the names under which their changes are told, and how two of them differ. Pure. */
import type { ChangeField } from "../contract/changes.ts";

/** A value of a field; null or undefined: not set, or unknown. */
type Value = unknown;

/** The fields of records, sorted by their names, each with how it is read. */
export type Readers<R> = readonly (readonly [name: string, read: (record: R) => Value])[];

/** @param fields how each field is read, by its name */
export const readersOf = <R>(fields: Readonly<Record<string, (record: R) => Value>>): Readers<R> =>
  Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));

/** `firstName` as `first_name`. */
export const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const isSame = (a: Value, b: Value): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

/** The fields that differ, in the order of their names. @param before null: of a new record, all that are set */
export const changedFields = <R>(readers: Readers<R>, before: R | null, after: R): ChangeField[] => {
  const changed: ChangeField[] = [];
  for (const [field, read] of readers) {
    const was = before === null ? null : (read(before) ?? null);
    const is = read(after) ?? null;
    if (!isSame(was, is)) changed.push({ field, before: was, after: is });
  }
  return changed;
};

/** What was added to a list and what was removed from it; equal entries count as often as they are there. */
export const changedList = <T>(field: string, before: readonly T[], after: readonly T[]): ChangeField[] => {
  const left = before.map((value) => JSON.stringify(value));
  const added: T[] = [];
  for (const value of after) {
    const index = left.indexOf(JSON.stringify(value));
    if (index === -1) added.push(value);
    else left.splice(index, 1);
  }
  const removed = left.map((text): T => JSON.parse(text));
  return added.length + removed.length === 0 ? [] : [{ field, added, removed }];
};

/** A single value before and after, if it is another one. */
export const changedValue = <T>(field: string, before: T, after: T): ChangeField[] =>
  isSame(before, after) ? [] : [{ field, before, after }];
