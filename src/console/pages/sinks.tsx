/** Where events go: how far each sink is, what it refuses, and sending events again. */

import type { FC } from "hono/jsx";
import type { SinkStatusDocument, StreamStatus } from "../../contract/status.ts";
import type { StreamName } from "../../contract/streams.ts";
import type { DeadLettersDocument } from "../../delivery/api.ts";
import { streams as definitions } from "../../streams/index.ts";
import type { Answer } from "../api.ts";
import { Page } from "../layout.tsx";
import { Action, Badge, Empty, Facts, ProblemNote, Section, Table, Text, Time } from "../parts.tsx";
import { linkTo, segment, type View } from "../view.ts";
import { counted, duration, number, type Tone } from "../words.ts";
import type { StreamsAnswer } from "./overview.tsx";

/** Dead letters by `<stream>/<sink>`, for the sinks that have any. */
export type DeadLettersOf = ReadonlyMap<string, Answer<DeadLettersDocument>>;

export const deadLettersKey = (stream: StreamName, sink: string): string => `${stream}/${sink}`;

const tones: Readonly<Record<SinkStatusDocument["state"], Tone>> = {
  ok: "good",
  retrying: "warn",
  stopped: "bad",
};
const words: Readonly<Record<SinkStatusDocument["state"], string>> = {
  ok: "Delivering",
  retrying: "Retrying",
  stopped: "Stopped",
};

const DeadLetters: FC<{
  view: View;
  stream: StreamName;
  sink: SinkStatusDocument;
  letters: Answer<DeadLettersDocument> | undefined;
}> = ({ view, stream, sink, letters }) => {
  if (letters === undefined) return null;
  if (!letters.ok) return <ProblemNote of={letters.problem} />;
  const { dead_letters, total } = letters.value;
  if (total === 0) return null;
  const to = linkTo(view, `/console/sinks/${stream}/${segment(sink.name)}/dead-letters`);
  return (
    <div class="sub-section">
      <h3>{counted(total, "dead letter")}</h3>
      <div class="actions">
        <Action
          view={view}
          to={to}
          label="Retry all"
          fields={{ action: "retry" }}
          about={`${stream}, ${sink.name}`}
        />
        <Action
          view={view}
          to={to}
          label="Drop all"
          fields={{ action: "drop" }}
          kind="danger"
          about={`${stream}, ${sink.name}`}
        >
          <label class="check">
            <input type="checkbox" name="sure" value="yes" required />
            <span>They will not be sent</span>
          </label>
        </Action>
      </div>
      <Table
        label={`Dead letters of ${sink.name}, ${stream}`}
        heads={[
          "Asset",
          ...(view.rights === "full" ? ["Action"] : []),
          "Answer of the sink",
          "First",
          "Last",
          "Attempts",
        ]}
      >
        {dead_letters.map((letter) => (
          <tr>
            <th scope="row">
              <a href={linkTo(view, `/console/inventory/${stream}/${segment(letter.asset_id)}`)}>
                <Text of={letter.asset_id} max={40} />
              </a>
              <span class="sub num"> {letter.sequence}</span>
            </th>
            {view.rights === "full" && (
              <td>
                <div class="actions tight">
                  <Action
                    view={view}
                    to={to}
                    label="Retry"
                    fields={{ action: "retry", id: letter.id }}
                    about={letter.asset_id}
                  />
                  <Action
                    view={view}
                    to={to}
                    label="Drop"
                    fields={{ action: "drop", id: letter.id, sure: "yes" }}
                    kind="danger"
                    about={letter.asset_id}
                  />
                </div>
              </td>
            )}
            <td class="wide">
              <Text of={letter.message} max={300} />
            </td>
            <td>
              <Time at={letter.first_at} now={view.now} />
            </td>
            <td>
              <Time at={letter.last_at} now={view.now} />
            </td>
            <td class="num">
              {number(letter.attempts)}
              {letter.retrying && (
                <>
                  {" "}
                  <Badge tone="busy">Retrying</Badge>
                </>
              )}
            </td>
          </tr>
        ))}
      </Table>
      {total > dead_letters.length && <p class="hint">Only the first {dead_letters.length} are shown.</p>}
    </div>
  );
};

const Replay: FC<{ view: View; stream: StreamName; sink: SinkStatusDocument }> = ({ view, stream, sink }) =>
  view.rights !== "full" || sink.position === 0 ? null : (
    <details id={`replay-${stream}-${sink.name}`}>
      <summary>Send again</summary>
      <Action
        view={view}
        to={linkTo(view, `/console/sinks/${stream}/${segment(sink.name)}/replay`)}
        label="Send again"
      >
        <label>
          <span>Everything changed after sequence number</span>
          <input type="number" name="after" min="0" max={sink.position} step="1" value="0" required />
        </label>
      </Action>
      <p class="hint">0 sends the whole inventory. Receivers can recognise repeated events by their ids.</p>
    </details>
  );

const SinkPanel: FC<{
  view: View;
  status: StreamStatus;
  sink: SinkStatusDocument;
  letters: Answer<DeadLettersDocument> | undefined;
}> = ({ view, status, sink, letters }) => {
  const assets = status.assets.total + status.assets.deleted;
  const done = assets === 0 ? 1 : 1 - Math.min(1, sink.lag_events / assets);
  return (
    <div class="panel" id={`sink-${status.stream}-${sink.name}`}>
      <div class="panel-head">
        <h3>
          <Text of={sink.name} max={64} /> <span class="sub">{sink.type}</span>
        </h3>
        <Badge tone={tones[sink.state]}>{words[sink.state]}</Badge>
      </div>
      <svg class="gauge" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="8" />
        <rect class={sink.state === "ok" ? "good" : "warn"} width={done * 100} height="8" />
      </svg>
      <Facts
        of={[
          ["Position", `${sink.position} of ${status.head}`],
          [
            "Behind",
            sink.lag_events === 0
              ? "nothing"
              : `${counted(sink.lag_events, "asset")}, ${duration(sink.lag_seconds)}`,
          ],
          ["Next attempt", <Time at={sink.next_try_at} now={view.now} none="none scheduled" />],
          ["Dead letters", number(sink.dead_letters)],
        ]}
      />
      {sink.last_error !== null && (
        <p class={`note ${sink.state === "stopped" ? "bad" : "warn"}`}>
          <Text of={sink.last_error} max={500} />
        </p>
      )}
      <Replay view={view} stream={status.stream} sink={sink} />
      <DeadLetters view={view} stream={status.stream} sink={sink} letters={letters} />
    </div>
  );
};

export const SinksPage: FC<{
  view: View;
  streams: Answer<StreamsAnswer>;
  letters: DeadLettersOf;
  notice: string | null;
}> = ({ view, streams, letters, notice }) => {
  const statuses = streams.ok ? streams.value.streams : [];
  const busy =
    statuses.some(({ sinks }) =>
      sinks.some(({ lag_events, state }) => lag_events > 0 || state === "retrying"),
    ) ||
    [...letters.values()].some(
      (answer) => answer.ok && answer.value.dead_letters.some(({ retrying }) => retrying),
    );
  return (
    <Page view={view} title="Sinks" refresh={busy ? 2_000 : 10_000} notice={notice}>
      {!streams.ok && <ProblemNote of={streams.problem} />}
      {statuses.map((status) => (
        <Section title={definitions[status.stream].words.title} id={`sinks-${status.stream}`} live>
          {status.sinks.length === 0 ? (
            <Empty>
              No sink receives {status.stream}. Add one to the setting <code>SINKS</code>. Events can always
              be pulled from <a href="/docs">/v1/inventory/{status.stream}</a>.
            </Empty>
          ) : (
            status.sinks.map((sink) => (
              <SinkPanel
                view={view}
                status={status}
                sink={sink}
                letters={letters.get(deadLettersKey(status.stream, sink.name))}
              />
            ))
          )}
        </Section>
      ))}
    </Page>
  );
};
