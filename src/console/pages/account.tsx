/** "Who is this account?": a search field, and the answer as a card, for now or for a moment in the past. */
import type { Child, FC } from "hono/jsx";
import type { HistoryPage } from "../../contract/changes.ts";
import type { OktaAnswer } from "../../enrichment/answer.ts";
import type { Evaluation } from "../../enrichment/verdict.ts";
import type { Answer } from "../api.ts";
import { Page } from "../layout.tsx";
import {
  Badge,
  CopyButton,
  Facts,
  Json,
  ProblemNote,
  Section,
  Status,
  Text,
  Time,
  Truth,
} from "../parts.tsx";
import { type NotKept, Timeline } from "../timeline.tsx";
import { Verdict } from "../verdict-parts.tsx";
import { linkTo, segment, type View } from "../view.ts";

/** The fields of an account that was found. */
type Extracted = Extract<OktaAnswer["extracted"], { readonly user_id: string }>;

export interface Lookup {
  readonly account: string;
  /** The moment that was asked for, ISO 8601; null: now. */
  readonly at: string | null;
  readonly answer: Answer<{ readonly okta: OktaAnswer }>;
  /** The rules applied to the answer once more, to show which one matched; null without rules or an answer. */
  readonly evaluation: Evaluation | null;
  /** What has changed about the account; null if the answer is for another moment, or the inventory does not know it. */
  readonly history: Answer<HistoryPage> | null;
  readonly notKept: NotKept;
}

/** Of an answer for a moment in the past: for which, and from where. */
const AsOf: FC<{ at: string; view: View; account: string }> = ({ at, view, account }) => (
  <p class="sub">
    <Badge tone="busy">
      As of <Time at={at} />
    </Badge>{" "}
    <Time at={at} now={view.now} />, by the inventory and its history. Okta was not asked.{" "}
    <a href={linkTo(view, "/console/account", { account })}>As it is now</a>
  </p>
);

const Source: FC<{ okta: OktaAnswer; view: View; account: string }> = ({ okta, view, account }) =>
  okta.as_of !== undefined ? (
    <AsOf at={okta.as_of} view={view} account={account} />
  ) : (
    <p class="sub">
      {okta.stale ? (
        <Badge tone="warn">Old answer: Okta could not be asked</Badge>
      ) : okta.cached ? (
        <Badge tone="mute">Cached</Badge>
      ) : (
        <Badge tone="good">Live</Badge>
      )}{" "}
      read <Time at={okta.enriched_at} now={view.now} />{" "}
      <a href={linkTo(view, "/console/account", { account, refresh: true })}>Ask Okta again</a>
      {okta.stale_reason !== undefined && (
        <>
          {" "}
          <Text of={okta.stale_reason.message} max={300} />
        </>
      )}
    </p>
  );

const isExtracted = (extracted: object): extracted is Extracted => "user_id" in extracted;

/** A list of names; `Unknown` when it could not be read. */
const Names: FC<{ of: readonly string[] | null; none: string }> = ({ of, none }) =>
  of === null ? (
    <Badge tone="mute">Unknown</Badge>
  ) : of.length === 0 ? (
    <span class="none">{none}</span>
  ) : (
    <ul class="tags">
      {of.map((name) => (
        <li>
          <Text of={name} max={80} />
        </li>
      ))}
    </ul>
  );

/** The devices of an account; `Unknown` while the inventory does not tell them. */
const Devices: FC<{ view: View; of: Extracted["devices"] }> = ({ view, of }) =>
  of === null ? (
    <Badge tone="mute">Unknown</Badge>
  ) : of.length === 0 ? (
    <span class="none">none</span>
  ) : (
    <ul class="rows">
      {of.map(({ id, name, platform, managed }) => (
        <li>
          <a href={linkTo(view, `/console/inventory/devices/${segment(id)}`)}>
            <Text of={name ?? id} max={80} />
          </a>{" "}
          <span class="sub">
            <Text of={platform} max={40} none="unknown platform" />
          </span>{" "}
          <Truth of={managed} yes="Managed" no="Not managed" good={true} />
        </li>
      ))}
    </ul>
  );

/** The field that is behind a label, where it can be unknown in an answer for the past. */
const fields: Readonly<Record<string, keyof Extracted>> = {
  Status: "status",
  "MFA enrolled": "mfa_enrolled",
  "Phishing-resistant": "phishing_resistant",
  Administrator: "is_admin",
  "Newest factor": "newest_factor_at",
  "Last login": "last_login",
  "Password changed": "password_changed",
  Login: "login",
  "E-mail": "email",
  Title: "title",
  Department: "department",
  Manager: "manager",
};

/** The facts, `Unknown` in place of those that the answer does not know. */
const withUnknown = (
  okta: OktaAnswer,
  facts: readonly (readonly [label: string, value: Child])[],
): readonly (readonly [label: string, value: Child])[] => {
  const unread = new Set(okta.incomplete.map(({ field }) => field));
  return facts.map(([label, value]) =>
    unread.has(fields[label] ?? "") ? [label, <Badge tone="mute">Unknown</Badge>] : [label, value],
  );
};

const Known: FC<{ view: View; lookup: Lookup; okta: OktaAnswer; extracted: Extracted }> = ({
  view,
  lookup,
  okta,
  extracted,
}) => (
  <Section
    title={(extracted.display_name ?? extracted.login ?? extracted.user_id).slice(0, 80)}
    id="answer"
    aside={
      <a href={linkTo(view, `/console/inventory/users/${segment(extracted.user_id)}`)}>In the inventory</a>
    }
  >
    <Verdict verdict={okta.verdict} evaluation={lookup.evaluation} />
    <Source okta={okta} view={view} account={lookup.account} />
    <Facts
      of={withUnknown(okta, [
        ["Status", <Status of={extracted.status ?? "UNKNOWN"} />],
        ["MFA enrolled", <Truth of={extracted.mfa_enrolled} good={true} />],
        ["Phishing-resistant", <Truth of={extracted.phishing_resistant} good={true} />],
        ["Administrator", <Truth of={extracted.is_admin} good={false} />],
        ["Newest factor", <Time at={extracted.newest_factor_at} now={view.now} none="–" />],
        ["Last login", <Time at={extracted.last_login} now={view.now} />],
        ["Password changed", <Time at={extracted.password_changed} now={view.now} />],
        ["Login", <Text of={extracted.login} />],
        ["E-mail", <Text of={extracted.email} />],
        ["Title", <Text of={extracted.title} />],
        ["Department", <Text of={extracted.department} />],
        ["Manager", <Text of={extracted.manager} />],
        ["Created", <Time at={extracted.created} />],
        [
          "Okta id",
          <code>
            <Text of={extracted.user_id} />
          </code>,
        ],
      ])}
    />
    <div class="charts">
      <div class="chart">
        <h3>MFA factors</h3>
        <Names of={extracted.mfa_factors} none="none enrolled" />
      </div>
      <div class="chart">
        <h3>Administrator roles</h3>
        <Names of={extracted.admin_roles} none="none" />
      </div>
      <div class="chart">
        <h3>Groups</h3>
        <Names of={extracted.groups} none="none" />
      </div>
      <div class="chart">
        <h3>Devices</h3>
        <Devices view={view} of={extracted.devices} />
      </div>
    </div>
    {okta.incomplete.length > 0 && (
      <>
        <h3>{okta.as_of === undefined ? "What could not be read" : "What is not known of then"}</h3>
        <ul class="rows">
          {okta.incomplete.map(({ field, reason, message, last_known_at }) => (
            <li>
              <code>{field}</code>: <Text of={reason} max={40} />{" "}
              <span class="sub">
                <Text of={message} max={300} />
              </span>
              {last_known_at !== null && (
                <span class="sub">
                  {" "}
                  Last known <Time at={last_known_at} now={view.now} />
                </span>
              )}
            </li>
          ))}
        </ul>
      </>
    )}
    <details id="answer-json">
      <summary>JSON</summary>
      <p class="tools">
        <CopyButton of="answer-text" />
      </p>
      <Json id="answer-text" label="The answer as JSON" of={{ okta }} />
    </details>
  </Section>
);

const AnswerCard: FC<{ view: View; lookup: Lookup }> = ({ view, lookup }) => {
  if (!lookup.answer.ok) return <ProblemNote of={lookup.answer.problem} />;
  const { okta } = lookup.answer.value;
  if (!okta.success) {
    return (
      <div class="note bad" role="alert">
        <p>
          <strong>No answer.</strong> <Text of={okta.error?.message} max={400} /> (
          <code>{okta.error?.code}</code>)
        </p>
        <p>
          <a href={linkTo(view, "/console/account", { account: lookup.account })}>Try again</a>
          {okta.error?.retry_after !== undefined && ` in ${okta.error.retry_after} s`}
        </p>
      </div>
    );
  }
  if (okta.found && isExtracted(okta.extracted)) {
    return <Known view={view} lookup={lookup} okta={okta} extracted={okta.extracted} />;
  }
  const matches = okta.matches ?? [];
  return (
    <Section title={matches.length > 0 ? "Several accounts match" : "No such account"} id="answer">
      {matches.length === 0 && <Verdict verdict={okta.verdict} evaluation={lookup.evaluation} />}
      <Source okta={okta} view={view} account={lookup.account} />
      {matches.length === 0 ? (
        <p>
          {okta.as_of === undefined ? "Okta has" : "As far as the inventory knows, there was"} no account for{" "}
          <Text of={lookup.account} max={200} />.
        </p>
      ) : (
        <ul class="rows">
          {matches.map((login) => (
            <li>
              <a href={linkTo(view, "/console/account", { account: login, at: lookup.at ?? "" })}>
                <Text of={login} max={120} />
              </a>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
};

/** The changes of the account that was found. */
const Changes: FC<{ view: View; lookup: Lookup }> = ({ view, lookup: { answer, history, notKept } }) => {
  if (history === null || !answer.ok || !isExtracted(answer.value.okta.extracted)) return null;
  const { user_id } = answer.value.okta.extracted;
  return (
    <>
      <Timeline
        view={view}
        id={user_id}
        history={history}
        notKept={notKept}
        groupHref={(group) => linkTo(view, "/console/changes/users", { q: group })}
      />
      <p>
        <a href={`${linkTo(view, `/console/inventory/users/${segment(user_id)}`)}#history`}>
          All changes of this person
        </a>
      </p>
    </>
  );
};

export const AccountPage: FC<{ view: View; account: string; at: string; lookup: Lookup | null }> = ({
  view,
  account,
  at,
  lookup,
}) => (
  <Page view={view} title="Who is this account?">
    <search>
      <form method="get" action="/console/account" class="ask" data-send="">
        {view.connection !== "default" && <input type="hidden" name="connection" value={view.connection} />}
        <input
          type="search"
          name="account"
          value={account}
          required
          maxlength={320}
          aria-label="E-mail, login, username or Okta user id"
          placeholder="E-mail, login, username or Okta user id"
          autocomplete="off"
          spellcheck={false}
          autofocus
        />
        <button type="submit" class="main">
          Look up
        </button>
        <label class="moment">
          <span>As of (UTC), empty for now</span>
          <input type="datetime-local" name="at" value={at} />
        </label>
      </form>
    </search>
    {lookup === null ? (
      <p class="hint">
        Looks in the cache first, then asks Okta. With a time, it answers what was so then, from the inventory
        and its history. You can share the address of the answer with anyone who can sign in here.
      </p>
    ) : (
      <>
        <AnswerCard view={view} lookup={lookup} />
        <Changes view={view} lookup={lookup} />
      </>
    )}
  </Page>
);
