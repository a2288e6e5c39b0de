/**
 * A time limit whose timer ends with the work. `AbortSignal.timeout` keeps its timer when the work is done, and a
 * pending timer keeps a Durable Object in memory, and billed, until it fires.
 */
export interface TimeLimit {
  readonly signal: AbortSignal;
  /** Ends the timer; call it when the work is done, however it ended. */
  clear(): void;
}

/** @param ms how long the work may take */
export const timeLimit = (ms: number): TimeLimit => {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new DOMException(`no answer within ${ms} ms`, "TimeoutError")),
    ms,
  );
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
};
