/** The inventory: totals, search results, and the lists that the totals link to. */

import type { FC } from "hono/jsx";
import type { DeviceSummary, SearchResults, UserSummary } from "../../contract/inventory-documents.ts";
import type { StreamName } from "../../contract/streams.ts";
import { maxSearchLength } from "../../http/bounds.ts";
import { streams } from "../../streams/index.ts";
import type { Answer } from "../api.ts";
import { Totals } from "../inventory-parts.tsx";
import { GroupName, type HeadOf, Rows } from "../inventory-rows.tsx";
import { Page } from "../layout.tsx";
import { checkOf, filtersOf, type ListFilter, listTitle } from "../list-words.ts";
import { Empty, ProblemNote, Section, Table, Text } from "../parts.tsx";
import { linkTo, segment, type View } from "../view.ts";
import { counted, number, visible } from "../words.ts";

const SearchField: FC<{ view: View; q: string }> = ({ view, q }) => (
  <search>
    <form method="get" action="/console/inventory" class="ask">
      {view.connection !== "default" && <input type="hidden" name="connection" value={view.connection} />}
      <input
        type="search"
        name="q"
        value={q}
        maxlength={maxSearchLength}
        aria-label="Name, e-mail, id, group or serial number"
        placeholder="Name, e-mail, id, group or serial number"
        autocomplete="off"
        {...(q === "" && { autofocus: true })}
      />
      <button type="submit" class="main">
        Search
      </button>
    </form>
  </search>
);

export const InventoryPage: FC<{
  view: View;
  users: Answer<UserSummary>;
  devices: Answer<DeviceSummary>;
}> = ({ view, users, devices }) => (
  <Page view={view} title="Inventory" refresh={10_000}>
    <SearchField view={view} q="" />
    <Totals view={view} users={users} devices={devices} />
  </Page>
);

const FoundSection: FC<{ view: View; stream: StreamName; found: Answer<SearchResults>; q: string }> = ({
  view,
  stream,
  found,
  q,
}) => {
  const { foundTitle: title } = streams[stream].words;
  if (!found.ok) {
    return (
      <Section title={title} id={`found-${stream}`}>
        <ProblemNote of={found.problem} />
      </Section>
    );
  }
  const { results, total } = found.value;
  const more = linkTo(view, `/console/inventory/${stream}`, { q });
  return (
    <Section
      title={title}
      id={`found-${stream}`}
      aside={
        <span class="sub">
          {results.length < total && `first ${results.length} of `}
          {counted(total, "match", "matches")}
        </span>
      }
    >
      {results.length === 0 ? (
        <Empty>None.</Empty>
      ) : (
        <Rows view={view} stream={stream} found={found.value} label={`${title} found`} />
      )}
      {results.length < total && (
        <p>
          <a href={more}>All matches</a>
        </p>
      )}
    </Section>
  );
};

export const SearchPage: FC<{
  view: View;
  q: string;
  users: Answer<SearchResults>;
  devices: Answer<SearchResults>;
}> = ({ view, q, users, devices }) => {
  const groups = users.ok ? users.value.groups : [];
  const total = users.ok ? users.value.groups_total : 0;
  const next = users.ok ? users.value.groups_next : null;
  return (
    <Page view={view} title="Search">
      <SearchField view={view} q={q} />
      <FoundSection view={view} stream="users" found={users} q={q} />
      <FoundSection view={view} stream="devices" found={devices} q={q} />
      <Section
        title="Groups"
        id="found-groups"
        aside={
          <span class="sub">
            {groups.length < total && `${groups.length} of `}
            {counted(total, "match", "matches")}
          </span>
        }
      >
        {groups.length === 0 ? (
          <Empty>None.</Empty>
        ) : (
          <Table label="Groups found" heads={["Name", "Members", "Description"]}>
            {groups.map((group) => (
              <tr>
                <GroupName view={view} of={group} />
                <td class="num">{group.users_count === null ? "–" : number(group.users_count)}</td>
                <td>
                  <Text of={group.description} max={120} />
                </td>
              </tr>
            ))}
          </Table>
        )}
        {next !== null && (
          <p>
            <a href={`${linkTo(view, "/console/inventory", { q, groups_after: next })}#found-groups`}>
              More groups
            </a>
          </p>
        )}
      </Section>
    </Page>
  );
};

/** The filters of a list, each with a link to the list without it. */
const Filters: FC<{ of: readonly ListFilter[]; without: (name: string) => string }> = ({ of, without }) =>
  of.length === 0 ? null : (
    <ul class="tags" aria-label="Filters">
      {of.map(({ name, words }) => (
        <li>
          <Text of={words} max={120} />{" "}
          <a href={without(name)} aria-label={`Remove: ${visible(words)}`}>
            Remove
          </a>
        </li>
      ))}
    </ul>
  );

export const ListPage: FC<{
  view: View;
  stream: StreamName;
  query: URLSearchParams;
  found: Answer<SearchResults>;
}> = ({ view, stream, query, found }) => {
  const title = listTitle(stream, query);
  const path = `/console/inventory/${segment(stream)}`;
  /** This list with other parameters; null takes one away. */
  const here = (changes: Readonly<Record<string, string | null>>, to = path) => {
    const next = new URLSearchParams(query);
    for (const [name, value] of Object.entries({ after: null, ...changes })) {
      if (value === null) next.delete(name);
      else next.set(name, value);
    }
    const text = next.toString();
    return `${to}${text === "" ? "" : `?${text}`}`;
  };
  const isDescending = query.get("order") === "desc";
  const head: HeadOf = (text, by = "name") => {
    const isSorted = query.get("sort") === by;
    // The third click takes the order away.
    const next = !isSorted
      ? { sort: by, order: null }
      : isDescending
        ? { sort: null, order: null }
        : { sort: by, order: "desc" };
    return {
      text: <a href={here(next)}>{text}</a>,
      ...(isSorted && { sorted: isDescending ? "descending" : "ascending" }),
    };
  };
  return (
    <Page view={view} title={title}>
      <p class="crumbs">
        <a href={linkTo(view, "/console/inventory")}>Inventory</a>
        {checkOf(query) !== undefined && (
          <>
            {" · "}
            <a href={linkTo(view, "/console/posture")}>Posture</a>
          </>
        )}
      </p>
      <Filters of={filtersOf(query)} without={(name) => here({ [name]: null })} />
      {found.ok && (
        <p class="sub">
          {counted(found.value.total, "match", "matches")}
          {found.value.total > 0 && (
            <>
              {". "}
              <a href={here({ sort: query.get("sort") }, `${path}/csv`)} download>
                Download as CSV
              </a>
            </>
          )}
        </p>
      )}
      <div class="sheet">
        {!found.ok ? (
          <ProblemNote of={found.problem} />
        ) : found.value.results.length === 0 ? (
          <Empty>Nothing matches.</Empty>
        ) : (
          <Rows view={view} stream={stream} found={found.value} label={title} head={head} />
        )}
      </div>
      <nav class="pages" aria-label="Pages of this list">
        {query.get("after") !== null && <a href={here({})}>First page</a>}
        {found.ok && found.value.next !== null && (
          <a href={here({ after: String(found.value.next) })} rel="next">
            Next page
          </a>
        )}
      </nav>
    </Page>
  );
};
