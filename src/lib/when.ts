/** Times in sentences, as people read them. Documents have ISO 8601 beside them. */

const MONTHS = "January February March April May June July August September October November December".split(
  " ",
);

/**
 * `14:05:30 UTC`, or on another day `3 March 2026, 14:05:30 UTC`.
 * @param at ms since the epoch
 * @param now ms since the epoch: the time at which it is read
 */
export const timeInWords = (at: number, now: number): string => {
  const date = new Date(at);
  const iso = date.toISOString();
  const clock = `${iso.slice(11, 19)} UTC`;
  if (iso.slice(0, 10) === new Date(now).toISOString().slice(0, 10)) return clock;
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}, ${clock}`;
};
