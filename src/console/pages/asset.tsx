/** One user or device: its facts with their ages, what is unknown and why, and what it is linked to. */

import type { FC } from "hono/jsx";
import type { HistoryPage } from "../../contract/changes.ts";
import type { SearchResults } from "../../contract/inventory-documents.ts";
import { TOMBSTONE_DAYS } from "../../contract/limits.ts";
import { type Dialect, dialects, type StreamName } from "../../contract/streams.ts";
import type { AssetDetail } from "../../inventory/api.ts";
import { fullName } from "../../ocsf/derive.ts";
import type { OktaDeviceUser } from "../../okta/records.ts";
import type { AssetPage as PageOfAsset, PageSection, Shown } from "../../streams/asset-page.ts";
import { streams } from "../../streams/index.ts";
import type { Answer } from "../api.ts";
import { Factors, Groups, Roles } from "../fact-parts.tsx";
import { Rows } from "../inventory-rows.tsx";
import { Page } from "../layout.tsx";
import {
  CopyButton,
  Empty,
  Facts,
  Json,
  ProblemNote,
  Section,
  Status,
  Table,
  Text,
  Time,
  Truth,
} from "../parts.tsx";
import { type NotKept, Timeline } from "../timeline.tsx";
import { Verdict } from "../verdict-parts.tsx";
import type { KnownVerdict } from "../verdicts.ts";
import { linkTo, segment, type View } from "../view.ts";
import { spelled } from "../words.ts";

const dialectNames: Readonly<Record<Dialect, string>> = {
  sekoia: "Sekoia.io",
  sekoia_2026: "Sekoia.io, April 2026",
  ocsf: "OCSF 1.6.0",
};

/** The dialects that say something of their own. */
const dialectsOf = ({ events }: AssetDetail): readonly Dialect[] =>
  dialects.filter((dialect) => dialect !== "sekoia_2026" || events[dialect] !== events.sekoia);

const Events: FC<{ view: View; detail: AssetDetail }> = ({ view, detail }) => (
  <Section
    title="Event"
    id="event"
    aside={
      <span class="sub num">
        sequence {detail.sequence}, changed <Time at={detail.changedAt} now={view.now} />
      </span>
    }
  >
    {dialectsOf(detail).map((dialect) => (
      <details id={`event-${dialect}`}>
        <summary>{dialectNames[dialect]}</summary>
        <p class="tools">
          <CopyButton of={`event-${dialect}-json`} />
          <a
            href={linkTo(view, `/console/inventory/${detail.stream}/${segment(detail.id)}/event`, {
              dialect,
            })}
            download={`${detail.id}.${dialect}.json`}
          >
            Download
          </a>
        </p>
        <Json
          id={`event-${dialect}-json`}
          label={`Event in the ${dialectNames[dialect]} dialect`}
          of={JSON.parse(detail.events[dialect])}
        />
      </details>
    ))}
  </Section>
);

const Deleted: FC<{ at: number | null }> = ({ at }) =>
  at === null ? null : (
    <p class="note bad">
      Deleted in Okta, confirmed <Time at={at} />. This page shows what was known last. It is kept for{" "}
      {TOMBSTONE_DAYS} days.
    </p>
  );

/** One value by what it means. */
const Value: FC<{ view: View; of: Shown; deleted: boolean }> = ({ view, of, deleted }) => {
  switch (of.as) {
    case "text":
      return <Text of={of.text} {...(of.none !== undefined && { none: of.none })} />;
    case "word":
      return <Text of={of.word && spelled(of.word)} {...(of.none !== undefined && { none: of.none })} />;
    case "time":
      return <Time at={of.at} {...(of.ago && { now: view.now })} />;
    case "truth":
      return <Truth of={of.is} {...(of.good !== undefined && { good: of.good })} />;
    case "status":
      return <Status of={of.status} deleted={deleted} />;
    case "code":
      return (
        <code>
          <Text of={of.text} />
        </code>
      );
  }
};

const People: FC<{ view: View; of: readonly OktaDeviceUser[] }> = ({ view, of: users }) => (
  <Section title="People" id="people">
    {users.length === 0 ? (
      <Empty>Nobody is linked to this device.</Empty>
    ) : (
      <Table label="People of this device" heads={["Name", "Login", "Management", "Screen lock", "Linked"]}>
        {users.map((user) => (
          <tr>
            <th scope="row">
              <a href={linkTo(view, `/console/inventory/users/${segment(user.id)}`)}>
                <Text of={fullName(user.firstName, user.lastName) ?? user.login ?? user.id} max={60} />
              </a>
            </th>
            <td>
              <Text of={user.login} max={60} />
            </td>
            <td>
              <Text of={user.managementStatus && spelled(user.managementStatus)} max={24} />
            </td>
            <td>
              <Text of={user.screenLockType && spelled(user.screenLockType)} max={24} />
            </td>
            <td>
              <Time at={user.created} />
            </td>
          </tr>
        ))}
      </Table>
    )}
  </Section>
);

const Linked: FC<{ view: View; of: StreamName; found: Answer<SearchResults> | undefined }> = ({
  view,
  of,
  found,
}) => {
  const { title } = streams[of].words;
  if (found === undefined) return null;
  return (
    <Section title={title} id={of}>
      {!found.ok ? (
        <ProblemNote of={found.problem} />
      ) : found.value.results.length === 0 ? (
        <Empty>No {streams[of].words.one} is linked to this person.</Empty>
      ) : (
        <Rows view={view} stream={of} found={found.value} label={`${title} of this person`} />
      )}
    </Section>
  );
};

/** What was found of other streams that name the asset. */
export type LinkedAssets = Readonly<Partial<Record<StreamName, Answer<SearchResults>>>>;

const Part: FC<{ view: View; of: PageSection; linked: LinkedAssets }> = ({ view, of, linked }) => {
  switch (of.kind) {
    case "factors":
      return <Factors view={view} of={of.fact} />;
    case "roles":
      return <Roles view={view} of={of.fact} />;
    case "groups":
      return <Groups view={view} of={of.fact} />;
    case "people":
      return <People view={view} of={of.users} />;
    case "linked":
      return <Linked view={view} of={of.stream} found={linked[of.stream]} />;
  }
};

/** The verdict on an account, by what the inventory knows of it. */
const VerdictSection: FC<{ view: View; of: KnownVerdict }> = ({ view, of }) => (
  <Section
    title="Verdict"
    id="verdict"
    aside={
      of.state === "known" && (
        <span class="sub">
          by the inventory, as of <Time at={of.readAt} now={view.now} />
        </span>
      )
    }
  >
    {of.state === "known" ? (
      <Verdict verdict={of.evaluation?.verdict ?? null} evaluation={of.evaluation} />
    ) : (
      <Empty>
        {of.state === "misconfigured"
          ? "No verdict: MALICE_RULES is wrong."
          : "No verdict: another org answers than the one whose inventory this is."}
      </Empty>
    )}
  </Section>
);

export const AssetPage: FC<{
  view: View;
  detail: AssetDetail;
  page: PageOfAsset;
  linked: LinkedAssets;
  /** Null: there are no verdicts on such an asset. */
  verdict: KnownVerdict | null;
  history: Answer<HistoryPage>;
  notKept: NotKept;
  /** The place in the history before which it is shown; null: from the newest on. */
  before: string | null;
}> = ({ view, detail, page, linked, verdict, history, notKept, before }) => {
  const deleted = detail.deletedAt !== null;
  const here = `/console/inventory/${detail.stream}/${segment(detail.id)}`;
  return (
    <Page view={view} title={page.name.slice(0, 80)}>
      <p class="crumbs">
        <a href={linkTo(view, "/console/inventory")}>Inventory</a> /{" "}
        <a href={linkTo(view, `/console/inventory/${detail.stream}`)}>{streams[detail.stream].words.title}</a>
      </p>
      <Deleted at={detail.deletedAt} />
      <Section
        title={page.noun}
        id={page.noun.toLowerCase()}
        aside={
          page.lookUp !== null && (
            <a href={linkTo(view, "/console/account", { account: page.lookUp })}>Look up at Okta now</a>
          )
        }
      >
        <Facts
          of={page.facts.map(([label, shown]) => [label, <Value view={view} of={shown} deleted={deleted} />])}
        />
      </Section>
      {verdict !== null && <VerdictSection view={view} of={verdict} />}
      {page.sections.map((row) => {
        const parts = row.map((section) => <Part view={view} of={section} linked={linked} />);
        return parts.length > 1 ? <div class="pair">{parts}</div> : parts;
      })}
      <Timeline
        view={view}
        id={detail.id}
        history={history}
        notKept={notKept}
        groupHref={(group) => linkTo(view, "/console/changes/users", { q: group })}
        pageHref={(place) => `${linkTo(view, here, { before: place ?? "" })}#history`}
        isFirst={before === null}
      />
      <Events view={view} detail={detail} />
    </Page>
  );
};
