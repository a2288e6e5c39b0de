/** The streams: the run in progress, held deletions, controls, facts and the history of runs. */

import type { FC } from "hono/jsx";
import { TOMBSTONE_DAYS } from "../../contract/limits.ts";
import type { RunDocument, StreamStatus } from "../../contract/status.ts";
import type { StreamName } from "../../contract/streams.ts";
import { streams as definitions } from "../../streams/index.ts";
import type { Answer } from "../api.ts";
import { Page } from "../layout.tsx";
import { Action, Facts, ProblemNote, Section, Text, Time } from "../parts.tsx";
import { Buckets, History, LastRun, Progress, StreamBadge } from "../run-parts.tsx";
import { linkTo, type View } from "../view.ts";
import { counted, number } from "../words.ts";
import { refreshOf, type StreamsAnswer } from "./overview.tsx";

export interface StreamsProps {
  readonly view: View;
  readonly streams: Answer<StreamsAnswer>;
  readonly runs: Readonly<Record<StreamName, Answer<{ readonly runs: readonly RunDocument[] }>>>;
  readonly notice: string | null;
}

const HeldDeletions: FC<{ view: View; status: StreamStatus }> = ({ view, status }) =>
  status.held_deletions === 0 ? null : (
    <div class="note warn">
      <p>
        <strong>{counted(status.held_deletions, "deletion")} held.</strong> More of the known {status.stream}{" "}
        are missing from Okta's list than <code>DELETION_GUARD</code> allows to be deleted without a person.
        Nothing has been deleted. If they are really gone, confirm: each is looked for once more before it is
        marked deleted. Otherwise check the credential and start a full run.{" "}
        <a href={linkTo(view, `/console/streams/${status.stream}/deletions`)}>Look at them first</a>.
      </p>
      <Action
        view={view}
        to={linkTo(view, `/console/streams/${status.stream}/confirm`)}
        label={`Confirm ${counted(status.held_deletions, "deletion")}`}
        kind="danger"
      >
        <label class="check">
          <input type="checkbox" name="sure" value="yes" required />
          <span>They are really gone from the org</span>
        </label>
      </Action>
    </div>
  );

/** What needs a person, apart from held deletions, which have a part of their own. */
const Needs: FC<{ view: View; status: StreamStatus }> = ({ view, status: { stream, attention } }) => (
  <>
    {attention
      .filter(({ code }) => code !== "deletions_held")
      .map(({ code, severity, detail, remedy, since }) => (
        <div class={`note ${severity === "error" ? "bad" : "warn"}`}>
          <p>
            <Text of={detail} max={600} /> <Text of={remedy} max={600} /> Known since{" "}
            <Time at={since} now={view.now} />.
          </p>
          {code === "org_changed" && (
            <Action
              view={view}
              to={linkTo(view, `/console/streams/${stream}/reset`)}
              label="Forget the inventory and read the org that is there now"
              kind="danger"
              about={stream}
            >
              <label>
                <span>Id of the org that is there now</span>
                <input type="text" name="org_id" required autocomplete="off" />
              </label>
              <label class="check">
                <input type="checkbox" name="sure" value="yes" required />
                <span>The inventory of the former org is no longer needed</span>
              </label>
            </Action>
          )}
        </div>
      ))}
  </>
);

/** A delta run can be started while a full run is in progress, and the reverse. */
const Controls: FC<{ view: View; status: StreamStatus }> = ({ view, status: { stream, run, delta } }) => {
  const to = (path: string) => linkTo(view, `/console/streams/${stream}/${path}`);
  const isOn = (kind: "full" | "delta") => run?.kind === kind || delta?.kind === kind;
  return (
    <div class="actions">
      {!isOn("delta") && (
        <Action view={view} to={to("run")} label="Run delta" fields={{ kind: "delta" }} about={stream} />
      )}
      {!isOn("full") && (
        <Action view={view} to={to("run")} label="Run full" fields={{ kind: "full" }} about={stream} />
      )}
      {run !== null && (
        <Action view={view} to={to("cancel")} label={`Cancel ${run.kind} run`} kind="danger" about={stream} />
      )}
    </div>
  );
};

const StreamSection: FC<{ view: View; status: StreamStatus; runs: StreamsProps["runs"][StreamName] }> = ({
  view,
  status,
  runs,
}) => {
  const { stream, assets } = status;
  const unknown = Object.entries(assets.unknown);
  return (
    <Section title={definitions[stream].words.title} id={stream} live aside={<StreamBadge of={status} />}>
      <Needs view={view} status={status} />
      <HeldDeletions view={view} status={status} />
      {status.run !== null && (
        <Progress run={status.run} assets={assets.total} noun={stream} now={view.now} />
      )}
      {status.delta !== null && (
        <Progress run={status.delta} assets={assets.total} noun={stream} now={view.now} />
      )}
      {status.detail !== null && status.state !== "held" && (
        <p class={status.state === "failed" ? "note bad" : "sub"}>
          <Text of={status.detail} max={600} />
        </p>
      )}
      <Controls view={view} status={status} />
      <Facts
        of={[
          ["Last full run", <LastRun run={status.last_full} now={view.now} />],
          ["Last delta run", <LastRun run={status.last_delta} now={view.now} />],
          ["Current as of", <Time at={status.current_as_of} now={view.now} none="not yet" />],
          ["Next delta run", <Time at={status.next_delta_at} />],
          ["In the inventory", counted(assets.total, stream.slice(0, -1), stream)],
          [`Deleted, kept for ${TOMBSTONE_DAYS} days`, number(assets.deleted)],
          ["Records that could not be read", number(assets.quarantined)],
          [
            "Unknown facts",
            unknown.length === 0 ? "none" : unknown.map(([fact, n]) => `${fact} of ${number(n)}`).join(", "),
          ],
          ["Highest sequence number", String(status.head)],
        ]}
      />
      <h3>History</h3>
      {runs.ok ? (
        <History runs={runs.value.runs} stream={stream} now={view.now} />
      ) : (
        <ProblemNote of={runs.problem} />
      )}
    </Section>
  );
};

export const StreamsPage: FC<StreamsProps> = ({ view, streams, runs, notice }) => (
  <Page view={view} title="Streams" refresh={refreshOf(streams)} notice={notice}>
    {!streams.ok ? (
      <ProblemNote of={streams.problem} />
    ) : (
      <>
        {view.rights === "read" && (
          <p class="hint">
            With a read: key you can watch runs, but not start or cancel them, or confirm deletions.
          </p>
        )}
        {streams.value.streams.map((status) => (
          <StreamSection view={view} status={status} runs={runs[status.stream]} />
        ))}
        <Section title="Okta's rate limits" id="limits" live>
          <Buckets of={streams.value.streams[0]?.rate_limits ?? []} now={view.now} />
          <p class="hint">
            The mark shows this connector's share, <code>OKTA_RATE_LIMIT_SHARE</code>. The bar includes what
            other applications use.
          </p>
        </Section>
      </>
    )}
  </Page>
);
