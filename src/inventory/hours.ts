/**
 * The hour of each asset: the moment in each period of REFRESH_DAYS at which what no event tells of it is read again. It
 * follows from the asset's number, which never changes, and the hours of any assets in a row are spread evenly over the
 * period, so that a short part of it never has more than its share. Pure.
 */

/** Into how many slots a period is divided. */
export const SLOTS = 65_536;

/**
 * SQL: the slot of an asset, 0 to 65,535. The odd factor is 65,536 divided by the golden ratio: consecutive numbers fall
 * as far from each other as they can (multiplicative hashing).
 */
export const HOUR_SLOT = "((number * 40503) & 65535)";

/** A position in the unending row of slots: slot `n % SLOTS` of a period. */
export type SlotTime = number;

/** The last slot that has begun. @param periodMs how long a period is */
export const slotAt = (now: number, periodMs: number): SlotTime => Math.floor((now / periodMs) * SLOTS);

/** When a slot begins, ms since the epoch. */
export const slotBegins = (slot: SlotTime, periodMs: number): number => (slot / SLOTS) * periodMs;
