/** Changes, newest first: when, who, what, and what told of it. */
import type { Child, FC } from "hono/jsx";
import type { Change, ChangeActor, ChangeEvent, HistoryPage } from "../contract/changes.ts";
import type { Answer } from "./api.ts";
import {
  kindWords,
  type ShownField,
  type ShownValue,
  shownActor,
  shownFields,
  sourceWords,
} from "./change-words.ts";
import { Badge, CopyButton, Empty, ProblemNote, Section, Text, Time } from "./parts.tsx";
import type { View } from "./view.ts";
import { counted } from "./words.ts";

/** Entries of a list that are shown. */
const ENTRIES_SHOWN = 10;
/** Fields of a change that are shown at once. */
const FIELDS_SHOWN = 8;

const Value: FC<{ of: ShownValue }> = ({ of }) => {
  switch (of.as) {
    case "text":
      return <Text of={of.text} max={200} />;
    case "time":
      return <Time at={of.at} />;
    case "none":
      return <span class="none">none known</span>;
  }
};

/** Names one after another, after a word that says what about them. */
const Names: FC<{ word: string; of: readonly string[] }> = ({ word, of }) => (
  <>
    {word}{" "}
    {of.slice(0, ENTRIES_SHOWN).map((name, index) => (
      <>
        {index > 0 && ", "}
        <Text of={name} max={120} />
      </>
    ))}
    {of.length > ENTRIES_SHOWN && ` and ${of.length - ENTRIES_SHOWN} more`}
  </>
);

const listWords = ["added", "removed", "altered"] as const;

const Lists: FC<{ of: Extract<ShownField, { kind: "list" }> }> = ({ of }) => (
  <>
    {listWords
      .filter((word) => of[word].length > 0)
      .map((word, index) => (
        <>
          {index > 0 && "; "}
          <Names word={word} of={of[word]} />
        </>
      ))}
  </>
);

const Field: FC<{ of: ShownField; isNew: boolean }> = ({ of, isNew }) => (
  <li>
    <span class="sub">
      <Text of={of.label} max={80} />:
    </span>{" "}
    {of.kind === "list" ? (
      <Lists of={of} />
    ) : isNew && of.before.as === "none" ? (
      <Value of={of.after} />
    ) : (
      <>
        <Value of={of.before} /> → <Value of={of.after} />
      </>
    )}
  </li>
);

const Fields: FC<{ of: Change }> = ({ of }) => {
  const fields = shownFields(of);
  const isNew = of.kind === "created";
  const [shown, more] = [fields.slice(0, FIELDS_SHOWN), fields.slice(FIELDS_SHOWN)];
  return (
    <>
      {shown.length > 0 && (
        <ul class="change-fields">
          {shown.map((field) => (
            <Field of={field} isNew={isNew} />
          ))}
        </ul>
      )}
      {more.length > 0 && (
        <details>
          <summary>and {more.length} more</summary>
          <ul class="change-fields">
            {more.map((field) => (
              <Field of={field} isNew={isNew} />
            ))}
          </ul>
        </details>
      )}
    </>
  );
};

const Who: FC<{ of: ChangeActor | null }> = ({ of }) => {
  const actor = shownActor(of);
  if (actor === null) return <span class="none">Who did it is not told by the log</span>;
  const { name, login, type, ip } = actor;
  return (
    <>
      by {name === null ? "somebody whom the log does not name" : <Text of={name} max={80} />}
      {login !== null && (
        <>
          {" "}
          (<Text of={login} max={120} />)
        </>
      )}
      {type !== null && (
        <>
          , <Text of={type} max={40} />
        </>
      )}
      {ip !== null && (
        <>
          {" "}
          from <Text of={ip} max={60} />
        </>
      )}
    </>
  );
};

const LogEvents: FC<{ of: readonly ChangeEvent[]; id: string }> = ({ of: events, id }) =>
  events.length === 0 ? null : (
    <details id={id}>
      <summary>{counted(events.length, "log event")}</summary>
      <ul class="rows">
        {events.map(({ uuid, type, published }, index) => (
          <li>
            <code>
              <Text of={type} max={120} />
            </code>{" "}
            <span class="sub">
              <Time at={published} none="at an unknown time" />
            </span>{" "}
            <code id={`${id}-${index}`}>
              <Text of={uuid} max={120} />
            </code>{" "}
            <CopyButton of={`${id}-${index}`} isShort />
          </li>
        ))}
      </ul>
    </details>
  );

/** One change. @param about what has changed, if that does not go without saying */
export const Entry: FC<{ view: View; of: Change; about: Child }> = ({ view, of, about }) => (
  <li class="change">
    <p>
      <Time at={of.at} />{" "}
      <span class="sub">
        <Time at={of.at} now={view.now} />
      </span>{" "}
      <Badge tone={kindWords[of.kind].tone}>{kindWords[of.kind].words}</Badge> {about}
    </p>
    <Fields of={of} />
    <p class="sub">
      <Who of={of.actor} />; {sourceWords[of.source]}
    </p>
    <LogEvents of={of.events} id={`log-${of.sequence}`} />
  </li>
);

/** Why no changes are kept: by the settings, or because they begin after the first full run; null if that is not known. */
export type NotKept = "off" | "not_begun" | null;

const notKeptWords: Readonly<Record<NonNullable<NotKept> | "unknown", string>> = {
  off: "No changes are kept, because HISTORY_DAYS is 0.",
  not_begun: "No changes are kept yet. They are from the end of the first full run on.",
  unknown: "No changes are kept: HISTORY_DAYS is 0, or the first full run has not ended yet.",
};

/** Since when changes are kept, or why none are. */
export const KeptSince: FC<{ view: View; since: string | null; notKept: NotKept }> = ({
  view,
  since,
  notKept,
}) =>
  since === null ? (
    <p class="note mute">{notKeptWords[notKept ?? "unknown"]}</p>
  ) : (
    <p class="sub">
      Changes since <Time at={since} />, <Time at={since} now={view.now} />
    </p>
  );

/** Links to the newest page and to the next older one, where there are such. */
export const OlderPages: FC<{ label: string; newest: string | null; older: string | null }> = ({
  label,
  newest,
  older,
}) =>
  newest === null && older === null ? null : (
    <nav class="pages" aria-label={label}>
      {newest !== null && <a href={newest}>Newest</a>}
      {older !== null && (
        <a href={older} rel="next">
          Older
        </a>
      )}
    </nav>
  );

/** What has changed about one asset. */
export const Timeline: FC<{
  view: View;
  /** The asset's id: what has another one is of a group. */
  id: string;
  history: Answer<HistoryPage>;
  notKept: NotKept;
  /** Where the changes of a group are shown. */
  groupHref: (id: string) => string;
  /** The page with the changes before a place; null: with the newest. Absent if there are no other pages. */
  pageHref?: (after: string | null) => string;
  isFirst?: boolean;
}> = ({ view, id, history, notKept, groupHref, pageHref, isFirst = true }) => (
  <Section title="What changed" id="history">
    {!history.ok ? (
      <ProblemNote of={history.problem} />
    ) : (
      <>
        <KeptSince view={view} since={history.value.kept_since} notKept={notKept} />
        {history.value.changes.length === 0 ? (
          history.value.kept_since !== null && <Empty>Nothing{isFirst ? " has changed" : " older"}.</Empty>
        ) : (
          <ol class="timeline">
            {history.value.changes.map((change) => (
              <Entry
                view={view}
                of={change}
                about={
                  change.id !== id && (
                    <strong>
                      Group{" "}
                      <a href={groupHref(change.id)}>
                        <Text of={change.name ?? change.id} max={80} />
                      </a>
                      :
                    </strong>
                  )
                }
              />
            ))}
          </ol>
        )}
        {pageHref !== undefined && (
          <OlderPages
            label="Pages of what changed"
            newest={isFirst ? null : pageHref(null)}
            older={history.value.next === null ? null : pageHref(history.value.next)}
          />
        )}
      </>
    )}
  </Section>
);
