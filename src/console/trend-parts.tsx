/** How a check of posture was on the last 90 days: a line that needs no script, and the same as a table. */
import type { FC } from "hono/jsx";
import { Table } from "./parts.tsx";
import { type FoundCheck, findingOf } from "./posture-words.ts";
import {
  type DayCounts,
  type Drawing,
  daysWords,
  dayWords,
  drawingOf,
  drawingWords,
  HEIGHT,
  isDot,
  type Span,
  spansOf,
  WIDTH,
} from "./trend.ts";
import type { View } from "./view.ts";
import { number } from "./words.ts";

/** The labels are text beside the drawing, because the drawing is stretched. */
const Line: FC<{ of: Drawing; check: FoundCheck; now: number }> = ({ of, check, now }) => (
  <div class="trend">
    <span class="trend-label num" aria-hidden="true">
      {of.highest.count > 0 && <span>{number(of.highest.count)}</span>}
      <span class="trend-zero">0</span>
    </span>
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={drawingWords(of, check, now)}
    >
      <path class="axis" d={`M0 0V${HEIGHT}H${WIDTH}`} />
      {of.lines.map((d) => (
        <path class={`trend-line ${isDot(d) ? "trend-dot" : ""}`} d={d} />
      ))}
    </svg>
    <span class="trend-days" aria-hidden="true">
      {of.ends.map((day) => (
        <span>{dayWords(day, now)}</span>
      ))}
    </span>
  </div>
);

const SpanRow: FC<{ of: Span; now: number }> = ({ of: { from, to, counts }, now }) => (
  <tr>
    <th scope="row">{daysWords(from, to, now)}</th>
    {counts === null ? (
      <td colspan={3} class="none">
        not counted
      </td>
    ) : (
      <>
        <td class="num">
          {findingOf(counts) === "unknown" || findingOf(counts) === "nobody" ? (
            <span class="none">–</span>
          ) : (
            number(counts.count)
          )}
        </td>
        <td class="num">{number(counts.unknown)}</td>
        <td class="num">{number(counts.excepted)}</td>
      </>
    )}
  </tr>
);

/** Since when it is counted, where there is no line yet. */
const NoLine: FC<{ days: readonly DayCounts[]; now: number }> = ({ days, now }) => {
  const [first] = days;
  if (first === undefined)
    return <p class="sub">No day is counted yet: each run that succeeds counts its day.</p>;
  return <p class="sub">Counted since {dayWords(first.day, now)}.</p>;
};

export const Trend: FC<{ view: View; of: FoundCheck }> = ({ view: { now }, of }) => {
  const days = of.trend ?? [];
  const drawing = drawingOf(days);
  return (
    <div class="finding-trend">
      {drawing === null ? <NoLine days={days} now={now} /> : <Line of={drawing} check={of} now={now} />}
      {days.length > 1 && (
        <details id={`${of.id}-days`}>
          <summary>Day by day</summary>
          <Table label={`${of.title}, day by day`} heads={["Day (UTC)", "Count", "Unknown", "Excepted"]}>
            {spansOf(days).map((span) => (
              <SpanRow of={span} now={now} />
            ))}
          </Table>
        </details>
      )}
    </div>
  );
};
