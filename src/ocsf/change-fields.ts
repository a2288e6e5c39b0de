/** Reading the fields of a change. Their values are whatever Okta's records held, so each is read as a type or not at all. */
import type { ChangeField } from "../contract/changes.ts";
import { filled } from "./derive.ts";

/** A value before the change, or after it. */
export type Side = "before" | "after";

/** What a change put into a list, or took out of it. */
export type Direction = "added" | "removed";

/** The text, unless it is blank or the word that Okta's log has for what it does not know. */
export const told = (value: string | null): string | null => {
  const text = filled(value);
  return text?.toLowerCase() === "unknown" ? null : text;
};

/** The fields of a change, by name. */
export class ChangedFields {
  readonly #fields: ReadonlyMap<string, ChangeField>;

  constructor(fields: readonly ChangeField[]) {
    this.#fields = new Map(fields.map((field) => [field.field, field]));
  }

  /** The names of the fields, in the order of the change. */
  get names(): readonly string[] {
    return [...this.#fields.keys()];
  }

  /** Whether this field has changed. */
  has(field: string): boolean {
    return this.#fields.has(field);
  }

  /** Whether any of these fields has changed. */
  hasAny(fields: Iterable<string>): boolean {
    return [...fields].some((field) => this.has(field));
  }

  /** The text that a field held; null if it held none, or has not changed. */
  text(field: string, side: Side): string | null {
    const value = this.#value(field, side);
    return typeof value === "string" ? filled(value) : null;
  }

  /** The flag that a field held; null if it held none, or has not changed. */
  flag(field: string, side: Side): boolean | null {
    const value = this.#value(field, side);
    return typeof value === "boolean" ? value : null;
  }

  /** What was added to a list or removed from it. */
  entries(field: string, direction: Direction): readonly unknown[] {
    const change = this.#fields.get(field);
    return change !== undefined && "added" in change ? change[direction] : [];
  }

  /** The texts among the entries. */
  texts(field: string, direction: Direction): readonly string[] {
    return this.entries(field, direction).flatMap((entry) =>
      typeof entry === "string" && filled(entry) !== null ? [entry] : [],
    );
  }

  #value(field: string, side: Side): unknown {
    const change = this.#fields.get(field);
    return change !== undefined && "before" in change ? change[side] : null;
  }
}
