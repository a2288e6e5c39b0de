/** The fields of records, by the names under which their changes are told, and how two of them differ. Pure. */
import type { ChangeField } from "../contract/changes.ts";

/** A value of a field; null: not set, or unknown. */
type Value = unknown;

/** The fields of a record by name. */
export type NamedFields = Readonly<Record<string, Value>>;

/** `firstName` as `first_name`. */
export const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const isSame = (a: Value, b: Value): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

/** The fields that differ, in the order of their names. @param before null: of a new record, all that are set */
export const changedFields = (before: NamedFields | null, after: NamedFields): ChangeField[] => {
  const was = before ?? {};
  return [...new Set([...Object.keys(was), ...Object.keys(after)])]
    .filter((field) => !isSame(was[field] ?? null, after[field] ?? null))
    .sort()
    .map((field) => ({ field, before: was[field] ?? null, after: after[field] ?? null }));
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
