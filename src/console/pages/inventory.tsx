/** The inventory: totals, search results, and the lists that the totals link to. */

import type { FC } from "hono/jsx";
import type { DeviceSummary, SearchResults, UserSummary } from "../../contract/inventory-documents.ts";
import type { StreamName } from "../../contract/streams.ts";
import { maxSearchLength } from "../../http/bounds.ts";
import { streams } from "../../streams/index.ts";
import type { Answer } from "../api.ts";
import { Totals } from "../inventory-parts.tsx";
import { GroupName, Rows } from "../inventory-rows.tsx";
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
  const { results, next } = found.value;
  const more = linkTo(view, `/console/inventory/${stream}`, { q });
  return (
    <Section
      title={title}
      id={`found-${stream}`}
      aside={
        <span class="sub">
          {next === null ? counted(results.length, "match", "matches") : `first ${results.length}`}
        </span>
      }
    >
      {results.length === 0 ? (
        <Empty>None.</Empty>
      ) : (
        <Rows view={view} stream={stream} found={found.value} label={`${title} found`} />
      )}
      {next !== null && (
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
  return (
    <Page view={view} title="Search">
      <SearchField view={view} q={q} />
      <FoundSection view={view} stream="users" found={users} q={q} />
      <FoundSection view={view} stream="devices" found={devices} q={q} />
      <Section title="Groups" id="found-groups">
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
  const noun = get("admin") === "true" ? "Administrators" : streams[stream].words.title;
  return [
    get("deleted") === "true" ? `Deleted ${noun.toLowerCase()}` : noun,
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
  const here = (after: number | null) => {
    const next = new URLSearchParams(query);
    next.delete("after");
    if (after !== null) next.set("after", String(after));
    const text = next.toString();
    return `/console/inventory/${segment(stream)}${text === "" ? "" : `?${text}`}`;
  };
  return (
    <Page view={view} title={title}>
      <p class="crumbs">
        <a href={linkTo(view, "/console/inventory")}>Inventory</a>
      </p>
      <div class="sheet">
        {!found.ok ? (
          <ProblemNote of={found.problem} />
        ) : found.value.results.length === 0 ? (
          <Empty>Nothing matches.</Empty>
        ) : (
          <Rows view={view} stream={stream} found={found.value} label={title} />
        )}
      </div>
      <nav class="pages" aria-label="Pages of this list">
        {query.get("after") !== null && <a href={here(null)}>First page</a>}
        {found.ok && found.value.next !== null && (
          <a href={here(found.value.next)} rel="next">
            Next page
          </a>
        )}
      </nav>
    </Page>
  );
};
