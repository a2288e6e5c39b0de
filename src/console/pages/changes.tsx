/** What has changed in a stream, newest first, as far as the address asks for it. */
import type { FC } from "hono/jsx";
import { type ChangeKind, changeKinds, type RecentChanges } from "../../contract/changes.ts";
import { type StreamName, streamNames } from "../../contract/streams.ts";
import { maxSearchLength } from "../../http/bounds.ts";
import { streams } from "../../streams/index.ts";
import { choicesOf, fieldLabel, kindWords } from "../change-words.ts";
import { Page } from "../layout.tsx";
import { fieldValue } from "../moments.ts";
import { Empty, Text, Time } from "../parts.tsx";
import { Entry, KeptSince, type NotKept, OlderPages } from "../timeline.tsx";
import { linkTo, segment, type View } from "../view.ts";

/** What is asked for. An empty text and null ask for everything. */
export interface ChangesAsked {
  /** Part of a name, or an id. */
  readonly q: string;
  /** Part of the name or login of whoever did it. */
  readonly by: string;
  /** One of the choices of fields, or a field by its own name. */
  readonly field: string;
  readonly kind: ChangeKind | null;
  /** ISO 8601 */
  readonly from: string | null;
  readonly to: string | null;
  /** The place from which to go on. */
  readonly before: string | null;
}

type Found = RecentChanges["changes"][number];

const pathOf = (stream: StreamName): string => `/console/changes/${stream}`;

/** This page with other parameters. */
const hereOf = (view: View, stream: StreamName, asked: ChangesAsked, before: string | null): string => {
  const { kind, from, to, ...texts } = asked;
  return linkTo(view, pathOf(stream), {
    ...texts,
    kind: kind ?? "",
    from: fieldValue(from),
    to: fieldValue(to),
    before: before ?? "",
  });
};

const Field: FC<{ stream: StreamName; asked: ChangesAsked }> = ({ stream, asked: { field } }) => {
  const choices = choicesOf(stream);
  return (
    <label>
      <span>What</span>
      <select name="field">
        <option value="">Anything</option>
        {choices.map(([name, label]) => (
          <option value={name} selected={name === field}>
            {label}
          </option>
        ))}
        {field !== "" && !choices.some(([name]) => name === field) && (
          <option value={field} selected>
            {fieldLabel(field)}
          </option>
        )}
      </select>
    </label>
  );
};

const Filters: FC<{ view: View; stream: StreamName; asked: ChangesAsked }> = ({ view, stream, asked }) => (
  <search>
    <form method="get" action={pathOf(stream)} class="filters">
      {view.connection !== "default" && <input type="hidden" name="connection" value={view.connection} />}
      <label>
        <span>Name or id, also of a group</span>
        <input type="search" name="q" value={asked.q} maxlength={maxSearchLength} autocomplete="off" />
      </label>
      <label>
        <span>By: name or login</span>
        <input type="search" name="by" value={asked.by} maxlength={maxSearchLength} autocomplete="off" />
      </label>
      <Field stream={stream} asked={asked} />
      <label>
        <span>Kind</span>
        <select name="kind">
          <option value="">Any</option>
          {changeKinds.map((kind) => (
            <option value={kind} selected={kind === asked.kind}>
              {kindWords[kind].words}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>From (UTC)</span>
        <input type="datetime-local" name="from" value={fieldValue(asked.from)} />
      </label>
      <label>
        <span>Before (UTC)</span>
        <input type="datetime-local" name="to" value={fieldValue(asked.to)} />
      </label>
      <div class="tools">
        <button type="submit" class="main">
          Show
        </button>
        <a href={linkTo(view, pathOf(stream))}>Show everything</a>
      </div>
    </form>
  </search>
);

/** What has changed, by its name. */
const About: FC<{ view: View; stream: StreamName; of: Found }> = ({ view, stream, of }) => {
  const isGroup = of.of === "group";
  const href = isGroup
    ? linkTo(view, pathOf(stream), { q: of.id })
    : linkTo(view, `/console/inventory/${stream}/${segment(of.id)}`);
  return (
    <strong>
      {isGroup && "Group "}
      <a href={href}>
        <Text of={of.name ?? of.id} max={80} />
      </a>
    </strong>
  );
};

/** How far this page is from the end of the history. */
const SearchedBack: FC<{ view: View; found: RecentChanges }> = ({ view, found }) =>
  found.next === null || found.searched_back_to === null ? null : (
    <p class="sub">
      Searched back to <Time at={found.searched_back_to} />,{" "}
      <Time at={found.searched_back_to} now={view.now} />.
    </p>
  );

const isFiltered = ({ before, ...filters }: ChangesAsked): boolean =>
  Object.values(filters).some((value) => value !== null && value !== "");

export const ChangesPage: FC<{
  view: View;
  stream: StreamName;
  asked: ChangesAsked;
  found: RecentChanges;
  notKept: NotKept;
}> = ({ view, stream, asked, found, notKept }) => {
  const { changes, next, kept_since } = found;
  const isFirst = asked.before === null;
  return (
    <Page view={view} title="What changed">
      <nav class="pages" aria-label="Streams">
        {streamNames.map((name) => (
          <a href={linkTo(view, pathOf(name))} {...(name === stream && { "aria-current": "page" })}>
            {streams[name].words.title}
          </a>
        ))}
      </nav>
      <Filters view={view} stream={stream} asked={asked} />
      <KeptSince view={view} since={kept_since} notKept={notKept} />
      <div class="sheet">
        {changes.length === 0 ? (
          <Empty>
            {isFiltered(asked)
              ? next === null
                ? "Nothing matches."
                : "Nothing matches so far."
              : isFirst
                ? "Nothing has changed."
                : "Nothing older."}
          </Empty>
        ) : (
          <ol class="timeline">
            {changes.map((change) => (
              <Entry view={view} of={change} about={<About view={view} stream={stream} of={change} />} />
            ))}
          </ol>
        )}
        {isFiltered(asked) && <SearchedBack view={view} found={found} />}
      </div>
      <OlderPages
        label="Pages of what changed"
        newest={isFirst ? null : hereOf(view, stream, asked, null)}
        older={next === null ? null : hereOf(view, stream, asked, next)}
      />
    </Page>
  );
};
