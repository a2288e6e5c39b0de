/** Limits that one room keeps and others state in their texts. */

/** Days for which a deleted asset is kept, as a tombstone. */
export const TOMBSTONE_DAYS = 30;

/** Totals are counted again at most this often while the inventory changes, ms. */
export const COUNT_AGAIN_AFTER_MS = 2_000;
