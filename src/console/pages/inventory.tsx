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
import { Empty, ProblemNote, Section, Table, Text } from "../parts.tsx";
import { linkTo, segment, type View } from "../view.ts";
import { counted, number, spelled } from "../words.ts";

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

const mfaTitles: Readonly<Record<string, string>> = {
  enrolled: "with MFA",
  not_enrolled: "without MFA",
  unknown: "whose MFA is unknown",
};

const resistanceTitles: Readonly<Record<string, string>> = {
  true: "with MFA that resists phishing",
  false: "without MFA that resists phishing",
  unknown: "of whom it is unknown whether their MFA resists phishing",
};

const factTitles: Readonly<Record<string, string>> = {
  factors: "whose MFA factors could not be read",
  groups: "whose groups could not be read",
  roles: "whose roles could not be read",
};

/** The title of a list: what it holds, in words, derived from its query. */
export const listTitle = (stream: StreamName, query: URLSearchParams): string => {
  const get = (name: string): string | null => query.get(name);
  const mfa = get("mfa");
  const resistance = get("phishing_resistant");
  const fact = get("unknown");
  const managed = get("managed");
  const status = get("status");
  const admin = get("admin");
  const noun = admin === "true" ? "Administrators" : streams[stream].words.title;
  return [
    get("deleted") === "true" ? `Deleted ${noun.toLowerCase()}` : noun,
    admin === "false" && "that are no administrators",
    admin === "unknown" && "of whom it is unknown whether they are administrators",
    get("role") !== null && `with the role ${get("role")}`,
    get("factor") !== null && `with the factor ${get("factor")}`,
    get("department") !== null && `of ${get("department")}`,
    get("dormant_days") !== null && `that have not signed in for ${get("dormant_days")} days`,
    get("last_login_before") !== null && `whose last sign-in was before ${get("last_login_before")}`,
    get("created_after") !== null && `created after ${get("created_after")}`,
    status !== null && `that are ${spelled(status).toLowerCase()}`,
    mfa !== null && mfaTitles[mfa],
    resistance !== null && resistanceTitles[resistance],
    fact !== null && factTitles[fact],
    get("group") !== null && "of a group",
    get("held") === "true" && "whose deletion is held",
    get("platform") !== null && `with ${get("platform")}`,
    get("compliance") !== null && `with compliance ${spelled(get("compliance") ?? "").toLowerCase()}`,
    managed !== null &&
      (managed === "unknown"
        ? "of which it is unknown whether they are managed"
        : managed === "true"
          ? "that are managed"
          : "that are not managed"),
    get("q") !== null && `matching “${get("q")}”`,
  ]
    .filter((part) => part)
    .join(" ");
};

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
      </p>
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
