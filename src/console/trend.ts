/** How a check of posture was day by day, as a line, in words and as rows of a table. Pure. */
import type { CheckCounts } from "../contract/posture.ts";
import { findingOf } from "./posture-words.ts";
import { counted, number } from "./words.ts";

/** The counts of a day. */
export interface DayCounts extends CheckCounts {
  /** In UTC: 2026-01-31. */
  readonly day: string;
}

const DAY_MS = 86_400_000;

const dayNumber = (day: string): number => Math.round(Date.parse(day) / DAY_MS);

const dayText = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", timeZone: "UTC" });
const dayYearText = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

/** `3 December`, and with the year if that is another one than now. @param now ms since the epoch */
export const dayWords = (day: string, now: number): string => {
  const isOfThisYear = new Date(now).toISOString().slice(0, 4) === day.slice(0, 4);
  return (isOfThisYear ? dayText : dayYearText).format(Date.parse(day));
};

/** `3 December`, `3 to 9 December` or `28 November to 3 December`. @param now ms since the epoch */
export const daysWords = (from: string, to: string, now: number): string => {
  if (from === to) return dayWords(from, now);
  const isOfOneMonth = from.slice(0, 7) === to.slice(0, 7);
  return `${isOfOneMonth ? Number(from.slice(8)) : dayWords(from, now)} to ${dayWords(to, now)}`;
};

/** Whether the count of a day can be taken for what was so. A 0 beside unknown ones cannot. */
const isTold = (counts: CheckCounts): boolean => ["found", "clear"].includes(findingOf(counts));

/** The size of a drawing. It is stretched to where it stands. */
export const WIDTH = 360;
export const HEIGHT = 60;

export interface Drawing {
  /** Paths of an SVG of WIDTH × HEIGHT, one for each time without a gap. */
  readonly lines: readonly string[];
  /** The days at its left and right ends, whether they have a count or not. */
  readonly ends: readonly [string, string];
  /** The first and the last day with a count, and the one with the greatest. */
  readonly first: DayCounts;
  readonly last: DayCounts;
  readonly highest: DayCounts;
  /** Days without a count. */
  readonly missing: number;
}

/** A day by itself is a line without length, whose round end is a dot. */
export const isDot = (line: string): boolean => line.endsWith("h0");

const rounded = (n: number): number => Math.round(n * 10) / 10;

/** The line of these days, the oldest first; null if there are fewer than two to draw. */
export const drawingOf = (days: readonly DayCounts[]): Drawing | null => {
  const told = days.filter(isTold);
  const [first, last] = [told[0], told.at(-1)];
  const [start, end] = [days[0]?.day, days.at(-1)?.day];
  if (first === undefined || last === undefined || first === last) return null;
  if (start === undefined || end === undefined) return null;
  const highest = told.reduce((most, one) => (one.count > most.count ? one : most), first);
  const from = dayNumber(start);
  const length = dayNumber(end) - from;
  const place = ({ day, count }: DayCounts): string => {
    const x = ((dayNumber(day) - from) / length) * WIDTH;
    const y = HEIGHT - (highest.count === 0 ? 0 : (count / highest.count) * HEIGHT);
    return `${rounded(x)} ${rounded(y)}`;
  };
  const lines: string[] = [];
  let before: DayCounts | undefined;
  for (const one of told) {
    const isNext = before !== undefined && dayNumber(one.day) - dayNumber(before.day) === 1;
    if (isNext) lines.push(`${lines.pop()}L${place(one)}`);
    else lines.push(`M${place(one)}h0`);
    before = one;
  }
  return { lines, ends: [start, end], first, last, highest, missing: length + 1 - told.length };
};

/** A drawing in words: `1 on 3 December, 4 now`. */
export const drawingWords = (
  { first, last, highest, missing }: Drawing,
  current: CheckCounts,
  now: number,
): string => {
  const on = ({ count, day }: DayCounts): string => `${number(count)} on ${dayWords(day, now)}`;
  const isPeak = highest.count > Math.max(first.count, last.count, current.count);
  return [
    on(first),
    isPeak ? `at most ${on(highest)}` : null,
    isTold(current) ? `${number(current.count)} now` : `${on(last)}, unknown now`,
    missing > 0 ? `not known on ${counted(missing, "day")}` : null,
  ]
    .filter((part) => part !== null)
    .join(", ");
};

/** Days in a row with the same counts; null: without any. */
export interface Span {
  readonly from: string;
  readonly to: string;
  readonly counts: CheckCounts | null;
}

const areAlike = (a: CheckCounts | null, b: CheckCounts): boolean =>
  a !== null && a.count === b.count && a.unknown === b.unknown && a.excepted === b.excepted;

const dayAt = (n: number): string => new Date(n * DAY_MS).toISOString().slice(0, 10);

/** The same days, the newest first, with those in a row that are alike together. */
export const spansOf = (days: readonly DayCounts[]): Span[] => {
  const spans: Span[] = [];
  for (const one of days) {
    const last = spans.at(-1);
    const n = dayNumber(one.day);
    const gap = last === undefined ? 0 : n - dayNumber(last.to) - 1;
    if (last !== undefined && gap === 0 && areAlike(last.counts, one)) {
      spans[spans.length - 1] = { ...last, to: one.day };
      continue;
    }
    if (last !== undefined && gap > 0)
      spans.push({ from: dayAt(dayNumber(last.to) + 1), to: dayAt(n - 1), counts: null });
    spans.push({ from: one.day, to: one.day, counts: one });
  }
  return spans.reverse();
};
