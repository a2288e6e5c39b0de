/** What in this org deserves worry: the checks of posture, the gravest first, each with its list and its trend. */
import type { FC } from "hono/jsx";
import type { PostureDocument } from "../../contract/posture.ts";
import type { StreamStatus } from "../../contract/status.ts";
import { streams as definitions } from "../../streams/index.ts";
import type { Answer } from "../api.ts";
import { usersPath } from "../inventory-rows.tsx";
import { Page } from "../layout.tsx";
import { Badge, ProblemNote, Text, Time } from "../parts.tsx";
import {
  checkTone,
  countTone,
  countWords,
  exceptedWords,
  type FoundCheck,
  gravestFirst,
  gravestWords,
  listWords,
  severityWords,
  unknownWords,
} from "../posture-words.ts";
import { StreamBadge } from "../run-parts.tsx";
import { Trend } from "../trend-parts.tsx";
import { linkTo, type View } from "../view.ts";
import type { StreamsAnswer } from "./overview.tsx";

/** Exceptions of a check that are shown at once. */
const EXCEPTIONS_SHOWN = 5;

/** Whether all that Okta tells of the stream has been read once. */
const isRead = ({ current_as_of }: StreamStatus): boolean => current_as_of !== null;

/** How current what is counted is, and what cannot be counted yet. */
const Currency: FC<{ view: View; of: readonly StreamStatus[] }> = ({ view, of }) => (
  <>
    <dl class="line">
      {of.map((status) => (
        <>
          <dt>{definitions[status.stream].words.title}</dt>
          <dd>
            <StreamBadge of={status} />{" "}
            {isRead(status) && (
              <span class="sub">
                as of <Time at={status.current_as_of} now={view.now} />
              </span>
            )}
          </dd>
        </>
      ))}
    </dl>
    {of
      .filter((status) => !isRead(status) && status.state !== "unavailable")
      .map(({ stream, run }) => (
        <p class="note warn">
          {run === null ? (
            <span>
              The {stream} have not been read yet, so nothing can be told of them.{" "}
              <a href={linkTo(view, "/console/streams")}>Start a run</a>
            </span>
          ) : (
            `The first run of the ${stream} has not ended. Only those that it has read so far are counted.`
          )}
        </p>
      ))}
  </>
);

const ExceptionItem: FC<{ view: View; of: FoundCheck["exceptions"][number] }> = ({
  view,
  of: { group_id, group, until, reason },
}) => (
  <li>
    {group === null ? (
      <>
        Group <code>{group_id}</code>, which the inventory does not know
      </>
    ) : (
      <>
        Group{" "}
        <a href={linkTo(view, usersPath, { group: group_id })}>
          <Text of={group} max={80} />
        </a>
      </>
    )}
    {until === null ? (
      ", without an end"
    ) : (
      <>
        , until <Time at={until} />
      </>
    )}
    : <Text of={reason} max={200} />
  </li>
);

const Exceptions: FC<{ view: View; of: FoundCheck }> = ({ view, of }) => {
  const { exceptions } = of;
  if (exceptions.length === 0) return null;
  const [shown, more] = [exceptions.slice(0, EXCEPTIONS_SHOWN), exceptions.slice(EXCEPTIONS_SHOWN)];
  const list = (items: FoundCheck["exceptions"]) => (
    <ul class="listed">
      {items.map((item) => (
        <ExceptionItem view={view} of={item} />
      ))}
    </ul>
  );
  return (
    <div>
      <p>{exceptedWords(of)}</p>
      {list(shown)}
      {more.length > 0 && (
        <details id={`${of.id}-exceptions`}>
          <summary>and {more.length} more exceptions</summary>
          {list(more)}
        </details>
      )}
    </div>
  );
};

/** Where the counted ones are listed. */
const Lists: FC<{ view: View; of: FoundCheck }> = ({ view, of }) => {
  const path = `/console/inventory/${of.stream}`;
  const words = listWords(of);
  return (
    <p class="finding-lists">
      <a href={linkTo(view, path, { posture: of.id })} aria-label={`${words}: ${of.title}`}>
        {words}
      </a>
      {of.count > 0 && (
        <a
          href={linkTo(view, `${path}/csv`, { posture: of.id })}
          aria-label={`Download as CSV: ${of.title}`}
          download
        >
          Download as CSV
        </a>
      )}
    </p>
  );
};

/** Whose the devices are is copied from stream to stream at the end of runs. */
const OWNERS_UNREAD =
  "Whose devices are an administrator's is known once a run of both streams has succeeded.";

const Finding: FC<{ view: View; of: FoundCheck; areOwnersUnread: boolean }> = ({
  view,
  of,
  areOwnersUnread,
}) => {
  const { large, rest } = countWords(of);
  const unknown = unknownWords(of);
  return (
    <li class="sheet finding" id={of.id}>
      <div class="finding-told">
        <header class="section-head">
          <h2>{of.title}</h2>
          <Badge tone={checkTone(of)}>{severityWords[of.severity]}</Badge>
        </header>
        <p>
          <span class={`finding-count ${countTone(of)}`}>{large}</span> {rest}
        </p>
        {unknown !== null && (
          <p>
            {unknown} {of.id === "device_of_admin_unmanaged" && areOwnersUnread && OWNERS_UNREAD}
          </p>
        )}
        <Exceptions view={view} of={of} />
        <Lists view={view} of={of} />
      </div>
      <Trend view={view} of={of} />
    </li>
  );
};

export const PosturePage: FC<{
  view: View;
  posture: Answer<PostureDocument>;
  streams: Answer<StreamsAnswer>;
}> = ({ view, posture, streams }) => {
  const statuses = streams.ok ? streams.value.streams : [];
  return (
    <Page view={view} title="Posture">
      {!posture.ok ? (
        <ProblemNote of={posture.problem} />
      ) : (
        <>
          <p class="sub">
            What in this org deserves worry, the gravest first. {gravestWords(posture.value.checks)} Counted{" "}
            <Time at={posture.value.as_of} now={view.now} />.
          </p>
          <Currency view={view} of={statuses} />
          <ol class="findings">
            {gravestFirst(posture.value.checks).map((check) => (
              <Finding view={view} of={check} areOwnersUnread={!statuses.every(isRead)} />
            ))}
          </ol>
        </>
      )}
    </Page>
  );
};
