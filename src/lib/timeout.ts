/** The time limit of one piece of work. */
export interface TimeLimit {
  /** Aborted with a `TimeoutError` when the time is up. */
  readonly signal: AbortSignal;
  /** Lifts the limit. Call it when the work ends, whatever its outcome. */
  clear(): void;
}

/**
 * Time limits of one length that share one timer, because work starts and ends far more often than a limit is
 * reached. Once all work is done, no timer remains. `AbortSignal.timeout` would leave one: a pending timer keeps a
 * Durable Object in memory, and billed, until it fires.
 */
export class TimeLimits {
  readonly #ms: number;
  /** The open limits and when each is reached (ms since the epoch), earliest first. */
  readonly #open = new Map<AbortController, number>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** @param ms how long each piece of work may take */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /** Starts the limit of one piece of work. */
  start(): TimeLimit {
    const controller = new AbortController();
    this.#open.set(controller, Date.now() + this.#ms);
    this.#timer ??= setTimeout(() => this.#ring(), this.#ms);
    return { signal: controller.signal, clear: () => this.#clear(controller) };
  }

  #clear(controller: AbortController): void {
    this.#open.delete(controller);
    if (this.#open.size > 0 || this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  #ring(): void {
    this.#timer = null;
    for (const [controller, at] of this.#open) {
      const left = at - Date.now();
      if (left > 0) {
        this.#timer = setTimeout(() => this.#ring(), left);
        return;
      }
      this.#open.delete(controller);
      controller.abort(new DOMException(`no answer within ${this.#ms} ms`, "TimeoutError"));
    }
  }
}

/** Starts a time limit that shares its timer with no other. @param ms how long the work may take */
export const timeLimit = (ms: number): TimeLimit => new TimeLimits(ms).start();

/** What the work comes to, or something else when the time is up, whatever becomes of the work then. @param ms how long it may take */
export const orLate = async <T, L>(
  ms: number,
  work: Promise<T>,
  late: (reason: unknown) => L,
): Promise<T | L> => {
  const limit = timeLimit(ms);
  const up = new Promise<void>((resolve) => {
    limit.signal.addEventListener("abort", () => resolve());
  });
  try {
    return await Promise.race([work, up.then(() => late(limit.signal.reason))]);
  } finally {
    limit.clear();
  }
};

/** What the work comes to; fails with a `TimeoutError` when the time is up. @param ms how long it may take */
export const within = <T>(ms: number, work: Promise<T>): Promise<T> =>
  orLate(ms, work, (reason): never => {
    throw reason;
  });
