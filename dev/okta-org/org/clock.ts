/** The server's clock: real time plus an offset that tests move. */
export interface Clock {
  now(): number;
  iso(): string;
  offset(): number;
  setOffset(ms: number): void;
  /** Lets this much time pass at once, also while the clock is held or stopped. */
  advance(ms: number): void;
  /** From now on time passes only when it is told to, and 1 ms with each request that the org serves. */
  stop(): void;
  /** Called with each request. */
  tick(): void;
  /**
   * From now on it is this instant, ms since the epoch, and only `advance` moves it; null lets the clock go on as if it
   * had not been held.
   */
  hold(at: number | null): void;
}

/** A clock that is `offsetMs` ahead of the machine's. */
export const createClock = (offsetMs: number): Clock => {
  let offset = offsetMs;
  let stoppedAt: number | null = null;
  let heldAt: number | null = null;
  const now = (): number => heldAt ?? (stoppedAt ?? Date.now()) + offset;
  return {
    now,
    iso: () => new Date(now()).toISOString(),
    offset: () => offset,
    setOffset: (ms) => {
      offset = ms;
    },
    advance: (ms) => {
      offset += ms;
      if (heldAt !== null) heldAt += ms;
    },
    stop: () => {
      stoppedAt ??= Date.now();
    },
    tick: () => {
      if (stoppedAt !== null) stoppedAt += 1;
    },
    hold: (at) => {
      heldAt = at;
    },
  };
};
