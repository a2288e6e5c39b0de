/** The org at a glance: what needs attention, what the streams are doing, and what the inventory holds. */
import type { Child, FC } from "hono/jsx";
import type { DeviceSummary, UserSummary } from "../../contract/inventory-documents.ts";
import type { AttentionCode, StreamStatus } from "../../contract/status.ts";
import { streams as definitions } from "../../streams/index.ts";
import type { Answer } from "../api.ts";
import { Totals } from "../inventory-parts.tsx";
import { Page } from "../layout.tsx";
import { ProblemNote, Section, Text } from "../parts.tsx";
import { type ConnectionsAnswer, goneOf, PurgeTime } from "../removed-parts.tsx";
import { LastRun, Progress, StreamBadge } from "../run-parts.tsx";
import { linkTo, type View } from "../view.ts";
import { counted, type Tone } from "../words.ts";

export interface StreamsAnswer {
  readonly streams: readonly StreamStatus[];
  readonly problems?: readonly { readonly setting: string; readonly message: string }[];
}

export interface OverviewProps {
  readonly view: View;
  readonly streams: Answer<StreamsAnswer>;
  readonly users: Answer<UserSummary>;
  readonly devices: Answer<DeviceSummary>;
  readonly connections: ConnectionsAnswer;
}

interface Concern {
  readonly tone: Tone;
  readonly what: Child;
  readonly href: string;
}

/** What needs a person at a sink. */
const SINK_CODES: ReadonlySet<AttentionCode> = new Set(["sink_stopped", "sink_refusing", "dead_letters"]);
/** What is about the connection, whichever stream says it. */
const SHARED_CODES: ReadonlySet<AttentionCode> = new Set([
  "misconfigured",
  "quota_exhausted",
  "org_changed",
  "credential_rejected",
]);

/** What the streams need a person for, with what to do about it. What concerns all of them is said once. */
const needsOf = (view: View, streams: readonly StreamStatus[]): Concern[] => {
  const said = new Set<AttentionCode>();
  return streams.flatMap(({ stream, attention }) =>
    attention.flatMap(({ code, severity, detail, remedy }) => {
      if (code === "deletions_held" || said.has(code)) return []; // held ones come with their number
      const isShared = SHARED_CODES.has(code);
      if (isShared) said.add(code);
      const what = (
        <>
          {!isShared && `The ${stream} stream: `}
          <Text of={detail} max={400} />{" "}
          <span class="sub">
            <Text of={remedy} max={500} />
          </span>
        </>
      );
      const href = linkTo(view, SINK_CODES.has(code) ? "/console/sinks" : "/console/streams");
      return [{ tone: severity === "error" ? "bad" : "warn", what, href } as const];
    }),
  );
};

/** What a person should look at, the most serious first. */
const concernsOf = ({ view, streams, users, connections }: OverviewProps): Concern[] => {
  const concerns: Concern[] = [];
  const to = (path: string, parameters = {}) => linkTo(view, path, parameters);
  if (streams.ok) {
    concerns.push(...needsOf(view, streams.value.streams));
    for (const { stream, state, detail, attention, held_deletions, sinks } of streams.value.streams) {
      const isSaid = attention.some(({ severity, code }) => severity === "error" && !SINK_CODES.has(code));
      if (!isSaid && (state === "failed" || state === "backing_off")) {
        const what = (
          <>
            The {stream} stream {state === "failed" ? "has failed" : "is waiting after an error"}:{" "}
            <Text of={detail} max={240} />
          </>
        );
        concerns.push({ tone: state === "failed" ? "bad" : "warn", what, href: to("/console/streams") });
      }
      if (held_deletions > 0) {
        const what = `${counted(held_deletions, "deletion")} of ${stream} ${held_deletions === 1 ? "waits" : "wait"} for your confirmation`;
        concerns.push({ tone: "warn", what, href: to("/console/streams") });
      }
      for (const sink of sinks) {
        if (sink.state !== "retrying") continue; // what needs a person is above
        const what = (
          <>
            Sink <Text of={sink.name} max={64} /> ({stream}) is retrying:{" "}
            <Text of={sink.last_error} max={200} />
          </>
        );
        concerns.push({ tone: "warn", what, href: to("/console/sinks") });
      }
    }
    for (const { setting, message } of streams.value.problems ?? []) {
      const what = (
        <>
          Setting <code>{setting}</code>: <Text of={message} max={300} />
        </>
      );
      concerns.push({ tone: "bad", what, href: to("/console/connection") });
    }
  }
  if (users.ok && users.value.admins.without_mfa > 0) {
    const what = `${counted(users.value.admins.without_mfa, "administrator")} without MFA`;
    const href = to("/console/inventory/users", { admin: true, mfa: "not_enrolled" });
    concerns.push({ tone: "bad", what, href });
  }
  for (const connection of goneOf(connections)) {
    const what = (
      <>
        Connection <Text of={connection.id} max={64} /> is not in the settings any more. What is stored of it{" "}
        <PurgeTime of={connection} />
      </>
    );
    concerns.push({ tone: "warn", what, href: `${to("/console/connection")}#removed` });
  }
  const order: readonly Tone[] = ["bad", "warn"];
  return concerns.sort((a, b) => order.indexOf(a.tone) - order.indexOf(b.tone));
};

const Attention: FC<OverviewProps> = (props) => {
  const concerns = concernsOf(props);
  return (
    <Section
      title="Needs attention"
      id="attention"
      live
      aside={<a href={linkTo(props.view, "/console/posture")}>What else deserves worry</a>}
    >
      {concerns.length === 0 ? (
        <p class="calm">Nothing.</p>
      ) : (
        <ul class="concerns">
          {concerns.map(({ tone, what, href }) => (
            <li class={`concern ${tone}`}>
              <a href={href}>{what}</a>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
};

const StreamPanels: FC<OverviewProps> = ({ view, streams }) => (
  <Section
    title="Streams"
    id="streams"
    live
    aside={<a href={linkTo(view, "/console/streams")}>Run, cancel, history</a>}
  >
    {streams.ok ? (
      <div class="pair">
        {streams.value.streams.map((status) => (
          <div class="panel">
            <div class="panel-head">
              <h3>{definitions[status.stream].words.title}</h3>
              <StreamBadge of={status} />
            </div>
            {status.run !== null && (
              <Progress run={status.run} assets={status.assets.total} noun={status.stream} now={view.now} />
            )}
            {status.detail !== null && status.state !== "held" && (
              <p class="sub">
                <Text of={status.detail} max={400} />
              </p>
            )}
            <dl class="line">
              <dt>Full</dt>
              <dd>
                <LastRun run={status.last_full} now={view.now} />
              </dd>
              <dt>Delta</dt>
              <dd>
                <LastRun run={status.last_delta} now={view.now} />
              </dd>
            </dl>
          </div>
        ))}
      </div>
    ) : (
      <ProblemNote of={streams.problem} />
    )}
  </Section>
);

/** How often the page reloads its live parts, ms: more often while a run is in progress. */
export const refreshOf = (streams: Answer<StreamsAnswer>): number =>
  streams.ok && streams.value.streams.some(({ run }) => run !== null) ? 1_500 : 10_000;

export const OverviewPage: FC<OverviewProps> = (props) => (
  <Page view={props.view} title="Overview" refresh={refreshOf(props.streams)}>
    <Attention {...props} />
    <StreamPanels {...props} />
    <Totals view={props.view} users={props.users} devices={props.devices} />
  </Page>
);
