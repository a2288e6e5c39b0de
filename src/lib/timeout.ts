/** How long one piece of work may take. */
export interface TimeLimit {
  readonly signal: AbortSignal;
  /** Ends the limit; call it when the work is done, however it ended. */
  clear(): void;
}

/**
 * Time limits of one length that share a timer: work comes and goes far more often than a limit is reached. When
 * all work is done no timer is left, as it would be with `AbortSignal.timeout`: a pending timer keeps a Durable
 * Object in memory, and billed, until it fires.
 */
export class TimeLimits {
  readonly #ms: number;
  /** Open limits and when they are reached (ms since the epoch), the earliest first. */
  readonly #open = new Map<AbortController, number>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** @param ms how long each piece of work may take, by the clock of `setTimeout` */
  constructor(ms: number) {
    this.#ms = ms;
  }

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

/** A time limit for one piece of work alone. */
export const timeLimit = (ms: number): TimeLimit => new TimeLimits(ms).start();
