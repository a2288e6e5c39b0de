/** What holds of every event in the `ocsf` dialect, beyond its schema. */
import { expect } from "vitest";

/** Whether every string and key of a JSON text is well-formed and no value is null. */
export const assertClean = (json: string): void => {
  expect(json.isWellFormed()).toBe(true);
  JSON.parse(json, (_key, value: unknown) => {
    expect(value).not.toBeNull();
    return value;
  });
};

/** Whether each observable's value is the value at its path. */
export const assertObservables = (event: {
  readonly observables: readonly { readonly name: string; readonly value: string }[];
}): void => {
  for (const { name, value } of event.observables) {
    const found = name
      .split(/[.[\]]+/)
      .filter((step) => step !== "")
      .reduce<unknown>((at, step) => Reflect.get(Object(at), step), event);
    expect(found).toBe(value);
  }
};
