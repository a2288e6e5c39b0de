/** Runs: the progress of the current one, and the history as charts and as a table. Also the rate limits. */
import type { FC } from "hono/jsx";
import type { RateLimitDocument } from "../contract/rate-limit.ts";
import type { RunDocument, StreamStatus } from "../contract/status.ts";
import { Badge, Empty, Table, Text, Time } from "./parts.tsx";
import {
  callRate,
  causeWords,
  changesOf,
  changesWords,
  counted,
  duration,
  number,
  phaseWords,
  runSeconds,
  runStates,
  runTones,
  streamWords,
} from "./words.ts";

export const StreamBadge: FC<{ of: StreamStatus }> = ({ of }) => {
  const { words, tone } = streamWords(of);
  return <Badge tone={tone}>{words}</Badge>;
};

/** A run in progress: its phase, how far it is, how fast, and how long it will take. */
export const Progress: FC<{ run: RunDocument; assets: number; noun: string; now: number }> = ({
  run,
  assets,
  noun,
  now,
}) => {
  const rate = callRate(run, now);
  const parts = [
    run.calls.predicted === null
      ? counted(run.calls.made, "call")
      : `${number(run.calls.made)} of about ${counted(Math.max(run.calls.predicted, run.calls.made), "call")}`,
    rate === null ? null : `${counted(rate, "call")} a minute`,
    run.eta_seconds === null ? null : `about ${duration(run.eta_seconds)} left`,
    counted(assets, noun.replace(/s$/, ""), noun),
  ];
  const isCounted = run.calls.predicted !== null;
  const share = `${Math.round(run.progress * 100)} %`;
  return (
    <div class="progress">
      <div class="progress-head">
        <strong>{phaseWords(run.phase)}</strong>
        {isCounted && <span class="num">{share}</span>}
      </div>
      <progress
        {...(isCounted && { value: run.progress })}
        max={1}
        aria-label={`${run.kind === "full" ? "Full run" : "Delta run"} of ${noun}: ${phaseWords(run.phase)}`}
      >
        {isCounted ? share : "not known yet"}
      </progress>
      <p class="num">{parts.filter((part) => part !== null).join(" · ")}</p>
      <p class="sub num">{changesWords(run)}</p>
    </div>
  );
};

/** The last run of a kind, in one line. */
export const LastRun: FC<{ run: RunDocument | null; now: number }> = ({ run, now }) => {
  if (run === null) return <span class="none">never</span>;
  return (
    <>
      <Time at={run.finished_at ?? run.started_at} now={now} />{" "}
      {run.state !== "done" && <Badge tone={runTones[run.state]}>{runStates[run.state]}</Badge>}{" "}
      <span class="sub num">
        took {duration(runSeconds(run, now))}, {counted(run.calls.made, "call")},{" "}
        {counted(changesOf(run), "change")}
      </span>
    </>
  );
};

const maxColumns = 40;

/** A column chart of one measure of the last runs, the newest on the right. */
const Columns: FC<{
  runs: readonly RunDocument[];
  label: string;
  measure: (run: RunDocument) => number;
  show: (value: number) => string;
}> = ({ runs, label, measure, show }) => {
  const most = Math.max(...runs.map(measure), 1);
  return (
    <figure class="columns">
      <figcaption>
        {label} <span class="num">up to {show(most)}</span>
      </figcaption>
      <svg viewBox={`0 0 ${maxColumns * 6} 48`} preserveAspectRatio="none" aria-hidden="true">
        <line class="axis" x1="0" x2={maxColumns * 6} y1="47.5" y2="47.5" />
        {runs.map((run, index) => {
          const height = Math.max(1, (measure(run) / most) * 44);
          const x = (maxColumns - runs.length + index) * 6 + 1;
          return (
            <rect
              class={`${runTones[run.state]} ${run.kind}`}
              x={x}
              y={47 - height}
              width="4"
              height={height}
            >
              <title>{`${run.kind}, ${run.started_at}: ${show(measure(run))}, ${runStates[run.state]}`}</title>
            </rect>
          );
        })}
      </svg>
    </figure>
  );
};

/** Past runs: charts of how long they took and how many calls they made, and a table with all details. */
export const History: FC<{ runs: readonly RunDocument[]; stream: string; now: number }> = ({
  runs,
  stream,
  now,
}) => {
  const past = runs.filter(({ state }) => state !== "running");
  if (past.length === 0) return <Empty>No run has ended yet.</Empty>;
  const shown = past.slice(0, maxColumns).reverse();
  return (
    <>
      <div class="charts">
        <Columns
          runs={shown}
          label={shown.length === 1 ? "Duration, one run" : `Duration, last ${shown.length} runs`}
          measure={(run) => runSeconds(run, now)}
          show={duration}
        />
        <Columns runs={shown} label="Calls to Okta" measure={(run) => run.calls.made} show={number} />
      </div>
      <details id={`${stream}-runs`}>
        <summary>Table of runs</summary>
        <Table
          label={`Past runs of ${stream}`}
          heads={["Ended", "Kind", "Result", "Took", "Calls", "Changed", "Deleted", "Cause"]}
        >
          {past.slice(0, maxColumns).map((run) => (
            <tr>
              <td>
                <Time at={run.finished_at} />
              </td>
              <td>{run.kind}</td>
              <td>
                <Badge tone={runTones[run.state]}>{runStates[run.state]}</Badge>
                {run.error !== null && (
                  <span class="sub">
                    <Text of={[run.error.message, run.error.remedy ?? ""].join(" ").trim()} max={400} />
                  </span>
                )}
              </td>
              <td class="num">{duration(runSeconds(run, now))}</td>
              <td class="num">{number(run.calls.made)}</td>
              <td class="num">{number(changesOf(run) - run.changes.deleted)}</td>
              <td class="num">{number(run.changes.deleted)}</td>
              <td>{causeWords(run.cause)}</td>
            </tr>
          ))}
        </Table>
      </details>
    </>
  );
};

/** Okta's rate limits as gauges: what all applications use now, with a mark at this connector's share. */
export const Buckets: FC<{ of: readonly RateLimitDocument[]; now: number }> = ({ of, now }) => {
  if (of.length === 0)
    return <Empty>No limits are known yet. Okta's answers to the next calls will show them.</Empty>;
  return (
    <ul class="gauges">
      {of.map(({ bucket, limit, remaining, share, resets_at, backing_off_until }) => {
        const fresh = resets_at !== null && Date.parse(resets_at) > now;
        const used = limit === null || remaining === null || !fresh ? 0 : Math.max(0, limit - remaining);
        const part = limit === null || limit === 0 ? 0 : Math.min(1, used / limit);
        const backing = backing_off_until !== null && Date.parse(backing_off_until) > now;
        return (
          <li>
            <span class="gauge-name">
              <code>{bucket}</code>
              {backing && (
                <Badge tone="warn">
                  waiting until <Time at={backing_off_until} />
                </Badge>
              )}
            </span>
            <svg class="gauge" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
              <rect class="track" width="100" height="8" />
              <rect class={part > share ? "warn" : "busy"} width={part * 100} height="8" />
              <rect class="limit" x={Math.min(99.4, share * 100)} width="0.6" height="8" />
            </svg>
            <span class="sub num">
              {limit === null
                ? "limit not known yet"
                : `${number(used)} of ${number(limit)} used; this connector uses up to ${number(Math.floor(limit * share))}`}
              {fresh && (
                <>
                  , resets <Time at={resets_at} now={now} />
                </>
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
};
