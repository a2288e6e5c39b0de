/**
 * Sets what a map knows of a key, and takes out the oldest where there are more than `most`: the one that was set longest
 * ago, because a map keeps its keys in the order in which they came.
 */
export const setNewest = <T>(map: Map<string, T>, key: string, value: T, most: number): void => {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
};
