/**
 * Marks: what checks of posture ask about an asset that its facet does not tell. Most are about how long ago something was,
 * so they change as time passes: each asset knows until when its marks hold. An asset about which there is nothing to
 * remark has none. Pure.
 */

const DAY = 86_400;

export const marks = {
  /** Has signed in, but not for 30 days; not for 90 days. */
  idle30: 1,
  idle90: 2,
  /** Has never signed in, and was created more than 30 days ago; or it is not known when. */
  unused30: 4,
  undatedCreation: 8,
  password365: 16,
  /** A factor was enrolled in the last 24 hours; of one it is not known when. */
  factor24h: 32,
  undatedFactor: 64,
  /** A role that the user surely has was assigned in the last 7 days, or the user was seen to get it. */
  role7d: 128,
  /** The same of a role of a group: it is as sure as the user's being a member. */
  groupRole7d: 256,
  /** The same of a role through a group of which only the user's own answer tells. */
  toldRole7d: 8192,
  /** A device was not seen for 90 days; it is not known when it was. */
  unseen90: 512,
  undatedSight: 1024,
  /** A device's user is an administrator; or may be one, and no other is. */
  ofAdmin: 2048,
  maybeOfAdmin: 4096,
} as const;
export type MarkName = keyof typeof marks;

/** All marks that factors decide. */
export const FACTOR_MARKS = marks.factor24h | marks.undatedFactor;

export const hasMark = (set: number, name: MarkName): boolean => (set & marks[name]) !== 0;

/** What marks are made from. Times are in seconds since the epoch; null: there is none, or it is not known. */
export interface Datings {
  readonly isDevice: boolean;
  /** Of users. Null: never. */
  readonly lastLogin: number | null;
  readonly created: number | null;
  /** Of users. Null: there is no password, or none was ever set. */
  readonly passwordChanged: number | null;
  /** Of users: when the newest active factor was enrolled, as far as that is known, and whether it is not known of one. */
  readonly newestFactor: number | null;
  readonly hasUndatedFactor: boolean;
  /** Of users: when the newest role was assigned that is the user's own, that groups give, and that is told to be a group's. */
  readonly newestRole: number | null;
  readonly newestGroupRole: number | null;
  readonly newestToldRole: number | null;
  /** Of devices. */
  readonly lastSeen: number | null;
  /** Of devices: whether a user is an administrator; null: one may be, and no other is. */
  readonly isOfAdmin: boolean | null;
}

export interface Marked {
  readonly marks: number;
  /** Until when, in seconds since the epoch; null: as long as nothing else changes. */
  readonly until: number | null;
}

const undatedOf = (it: Datings): number => {
  if (it.isDevice) {
    const owners = it.isOfAdmin === null ? marks.maybeOfAdmin : it.isOfAdmin ? marks.ofAdmin : 0;
    return owners | (it.lastSeen === null ? marks.undatedSight : 0);
  }
  return (
    (it.hasUndatedFactor ? marks.undatedFactor : 0) |
    (it.lastLogin === null && it.created === null ? marks.undatedCreation : 0)
  );
};

/**
 * The marks of an asset. What happened exactly 90 days ago was not longer ago than that.
 * @param now seconds since the epoch, with a fraction
 */
export const marksOf = (it: Datings, now: number): Marked => {
  let set = undatedOf(it);
  let until = Number.POSITIVE_INFINITY;
  /** A mark that comes, or goes, when something is so many days past. It is made for each user that is filed: no lists. */
  const turn = (mark: number, at: number | null, days: number, goes: boolean): void => {
    if (at === null) return;
    const end = at + days * DAY;
    const isOver = now > end;
    if (isOver !== goes) set |= mark;
    if (!isOver && end < until) until = end;
  };
  if (it.isDevice) turn(marks.unseen90, it.lastSeen, 90, false);
  else {
    if (it.lastLogin === null) turn(marks.unused30, it.created, 30, false);
    turn(marks.idle30, it.lastLogin, 30, false);
    turn(marks.idle90, it.lastLogin, 90, false);
    turn(marks.password365, it.passwordChanged, 365, false);
    turn(marks.factor24h, it.newestFactor, 1, true);
    turn(marks.role7d, it.newestRole, 7, true);
    turn(marks.groupRole7d, it.newestGroupRole, 7, true);
    turn(marks.toldRole7d, it.newestToldRole, 7, true);
  }
  return { marks: set, until: until === Number.POSITIVE_INFINITY ? null : until };
};
