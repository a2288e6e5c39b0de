/** The URLs of a run as lists: single assets of one phase may be fetched at once, everything else follows. */
export const stepsOf = (origin: string, paths: readonly string[]): string[][] => {
  const steps: string[][] = [];
  let before: string | null = null;
  for (const path of paths) {
    const single = /^\/api\/v1\/users\/[^/]+\/(\w+)$/.exec(path)?.[1] ?? null;
    const last = steps.at(-1);
    if (single !== null && single === before && last !== undefined) last.push(origin + path);
    else steps.push([origin + path]);
    before = single;
  }
  return steps;
};
