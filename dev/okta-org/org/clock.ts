/** The server's clock: real time plus an offset that tests move. */
export interface Clock {
  now(): number;
  iso(): string;
  offset(): number;
  setOffset(ms: number): void;
}

/** A clock that is `offsetMs` ahead of the machine's. */
export const createClock = (offsetMs: number): Clock => {
  let offset = offsetMs;
  const now = (): number => Date.now() + offset;
  return {
    now,
    iso: () => new Date(now()).toISOString(),
    offset: () => offset,
    setOffset: (ms) => {
      offset = ms;
    },
  };
};
