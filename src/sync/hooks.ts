/**
 * When a stream follows event hooks. Okta sends hooks unordered, sometimes twice and sometimes never, and its log may
 * show an event only after the hook: a hook says that something has happened, and the log says what. Pure.
 */

/** A log event that a hook has named and that the log has not shown yet. */
export interface AwaitedEvent {
  readonly uuid: string;
  /** When the log is to be polled for it again, ms since the epoch, in order. */
  readonly again: readonly number[];
}

/** What is remembered of event hooks. Times are ms since the epoch by our clock. */
export interface HookState {
  /** When the last hook came, to the minute. */
  readonly at: number;
  /** When the log was last polled because of hooks; 0 if it never was. */
  readonly polledAt: number;
  /** When it is to be polled because of hooks that came since; null if none did. */
  readonly dueAt: number | null;
  /** The newest ones, at most `MAX_AWAITED`. */
  readonly awaited: readonly AwaitedEvent[];
  /** When the log first told, after the last hook, of something that Okta should have sent a hook for. */
  readonly unheardSince: number | null;
  /** Set while the connection takes no hooks. */
  readonly isOff?: true;
}

/** Hooks make a stream poll at most once in this time, ms. */
export const HOOK_INTERVAL_MS = 5_000;
/** After which times an event is polled for again that the log did not show, ms. */
const AGAIN_AFTER_MS = [5_000, 15_000];
const MAX_AWAITED = 100;
/** The time of the last hook is stored at most this often, ms: it is shown to people, and each change costs a row. */
const REMEMBERED_MS = 60_000;
/** A hook comes within this time of its event, as a rule, ms. Okta promises no bound. */
const USUAL_DELAY_MS = 60_000;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const none: HookState = { at: 0, polledAt: 0, dueAt: null, awaited: [], unheardSince: null };

/**
 * A hook has come. A poll that is due already is still to begin, so it shows what this hook is about.
 * @param uuids the events that it names
 * @returns what is to be remembered: the same object if nothing needs to be stored
 */
export const hookCame = (before: HookState | null, uuids: readonly string[], now: number): HookState => {
  const was = before ?? none;
  const isRemembered = was.unheardSince === null && now - was.at < REMEMBERED_MS;
  if (was.dueAt !== null && was.dueAt <= now + HOOK_INTERVAL_MS && isRemembered) return was;
  const dueAt = Math.max(now, was.polledAt + HOOK_INTERVAL_MS);
  return {
    ...withAwaited(turned(was, true), uuids, now),
    at: isRemembered ? was.at : now,
    dueAt: was.dueAt === null ? dueAt : Math.min(was.dueAt, dueAt),
    unheardSince: null,
  };
};

/** Adds the events that a hook has named at `now`. */
export const withAwaited = (was: HookState, uuids: readonly string[], now: number): HookState => {
  const known = new Set(was.awaited.map(({ uuid }) => uuid));
  const again = AGAIN_AFTER_MS.map((ms) => now + ms);
  const fresh = [...new Set(uuids)].filter((uuid) => !known.has(uuid)).map((uuid) => ({ uuid, again }));
  return fresh.length === 0 ? was : { ...was, awaited: [...was.awaited, ...fresh].slice(-MAX_AWAITED) };
};

/** When the log is to be polled next, ms since the epoch; null if nothing is waited for. */
export const nextPollAt = ({ dueAt, awaited, polledAt }: HookState): number | null => {
  const times = [...(dueAt === null ? [] : [dueAt]), ...awaited.flatMap(({ again }) => again.slice(0, 1))];
  return times.length === 0 ? null : Math.max(Math.min(...times), polledAt + HOOK_INTERVAL_MS);
};

/** A poll begins. An event that it is the last one for is waited for no longer. */
export const pollBegins = (was: HookState, now: number): HookState => {
  const awaited = was.awaited
    .map(({ uuid, again }) => ({ uuid, again: again.filter((at) => at > now) }))
    .filter(({ again }) => again.length > 0);
  return { ...was, polledAt: now, awaited, dueAt: null };
};

/** The connection takes hooks from now on, or none: then none is waited for, and none is missed. */
export const turned = (was: HookState, on: boolean): HookState => {
  if (on !== (was.isOff === true)) return was;
  const { isOff, ...state } = was;
  return on ? state : { ...state, isOff: true, dueAt: null, awaited: [], unheardSince: null };
};

/** The log has shown events. @returns the same object if none of them was waited for */
export const logShowed = (was: HookState, uuids: readonly string[]): HookState => {
  if (was.awaited.length === 0) return was;
  const shown = new Set(uuids);
  const awaited = was.awaited.filter(({ uuid }) => !shown.has(uuid));
  return awaited.length === was.awaited.length ? was : { ...was, awaited };
};

/**
 * The log has told of something that Okta sends hooks for.
 * @param published when it happened, ms by our clock
 * @returns the same object if a hook may still come, or if one is missed already
 */
export const logTold = (was: HookState, published: number): HookState =>
  was.isOff === true || was.unheardSince !== null || published <= was.at + USUAL_DELAY_MS
    ? was
    : { ...was, unheardSince: published };

/** Since when hooks that used to come are missing, ms since the epoch; null if none is missed. */
export const silentSince = (state: HookState | null, now: number): number | null => {
  if (state === null || state.unheardSince === null) return null;
  const isSilent = now - state.at >= DAY_MS && now - state.unheardSince >= HOUR_MS;
  return isSilent ? Math.max(state.at + DAY_MS, state.unheardSince + HOUR_MS) : null;
};
