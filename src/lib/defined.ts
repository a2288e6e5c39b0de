type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** A copy without the keys whose value is undefined. */
export const defined = <T extends object>(values: T): Given<T> =>
  // Object.fromEntries loses the types of the keys.
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
