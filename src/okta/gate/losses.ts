/**
 * Calls of unknown fate: those without an answer that names a window, and permits of callers that are gone. Each may
 * have reached Okta or not. Pure. All times are ms since the epoch by the local clock.
 *
 * What is known of them:
 * - They reached Okta before `before + LANDING_MS` or not at all: what is on its way when its caller dies or gives up
 *   lands within seconds. So a minute later no window that is still open holds any of them.
 * - An answer to a call that was sent after that time settles them: they are in the window that the answer names, or in
 *   one before it, and in none after it. If they are in that one, then what the answer says is used up of the window
 *   includes them, beside our own calls that we know of and those of other applications.
 */
export interface Loss {
  /** Nobody has sent any of the calls since. Rounded up, so that there are few entries. */
  readonly before: number;
  readonly calls: number;
}

/** The part of a bucket's state that is about them. */
export interface Losses {
  /** The oldest first. */
  lost: Loss[];
  /** When the latest call was sent that settles losses of the latest window known; absent if there is none. */
  settledAt?: number;
}

/**
 * How long a call may be on its way to Okta, ms, with room for clocks of several machines that differ. Calls that wait
 * in a dead process for a connection are dead themselves.
 */
export const LANDING_MS = 5_000;
/** Windows last a minute: a call that landed longer ago than this is in none that is still open. */
const LOSS_MS = 60_000 + LANDING_MS;
const LOSS_STEP_MS = 1000;

/**
 * Books calls that nobody sends after `at`. Neither their window nor the order in which reports come in is known, so
 * they count in every window that is open during the next minute, until an answer settles them.
 */
export const lose = (losses: Losses, calls: number, at: number): void => {
  if (calls === 0) return;
  const before = Math.ceil(at / LOSS_STEP_MS) * LOSS_STEP_MS;
  const others = losses.lost.filter((loss) => loss.before > at - LOSS_MS);
  const same = others.findIndex((loss) => loss.before === before);
  const sum = (others[same]?.calls ?? 0) + calls;
  losses.lost = [...others.filter((_, index) => index !== same), { before, calls: sum }].sort(
    (a, b) => a.before - b.before,
  );
};

const landedBy = ({ before }: Loss, time: number): boolean => before + LANDING_MS <= time;

/** Settles what had landed when a call was sent whose answer names the latest window known. */
export const settle = (losses: Losses, sentAt: number): void => {
  losses.settledAt = Math.max(losses.settledAt ?? 0, sentAt);
};

/** Forgets losses that had landed when a call was sent whose answer names an earlier window than the latest known. */
export const forgetLanded = (losses: Losses, sentAt: number): void => {
  losses.lost = losses.lost.filter((loss) => !landedBy(loss, sentAt));
};

const stillOpen = ({ lost }: Losses, now: number): Loss[] =>
  lost.filter((loss) => now - loss.before <= LOSS_MS);

const sum = (losses: readonly Loss[]): number => losses.reduce((total, { calls }) => total + calls, 0);

const isSettled = (loss: Loss, { settledAt = 0 }: Losses): boolean => landedBy(loss, settledAt);

/** Calls that are in the latest window known, as far as its answers leave room for them, or in no open one. */
export const settledCalls = (losses: Losses, now: number): number =>
  sum(stillOpen(losses, now).filter((loss) => isSettled(loss, losses)));

const unsettled = (losses: Losses, now: number): Loss[] =>
  stillOpen(losses, now).filter((loss) => !isSettled(loss, losses));

/** Calls that may be in any window that is open now. */
export const unsettledCalls = (losses: Losses, now: number): number => sum(unsettled(losses, now));

/** From when on a call settles the first of these; null when there are none. */
export const settlesAt = (losses: Losses, now: number): number | null => {
  const [oldest] = unsettled(losses, now);
  return oldest === undefined ? null : oldest.before + LANDING_MS;
};

/** When the next of these calls can no longer matter, ends of windows aside; null when there are none. */
export const lossEndsAt = (buckets: readonly Losses[], now: number): number | null => {
  const ends = buckets.flatMap((losses) => stillOpen(losses, now).map(({ before }) => before + LOSS_MS + 1));
  return ends.length === 0 ? null : Math.min(...ends);
};
