/** The connection: its settings, a test of it, and a test of another credential; and the agents that ask about all of them. */
import type { FC } from "hono/jsx";
import type { Connection, Setting, SettingProblem } from "../../config/types.ts";
import { candidateLengths } from "../../http/routes/test-connection.ts";
import { Agents, type AgentsProps } from "../agent-parts.tsx";
import { Page } from "../layout.tsx";
import { Action, Empty, Facts, ProblemNote, Section, Text } from "../parts.tsx";
import { type ConnectionsAnswer, goneOf, RemovedConnections } from "../removed-parts.tsx";
import { credentialKinds, type ShownTest, TestResult } from "../test-parts.tsx";
import { linkTo, type View } from "../view.ts";
import { counted, number } from "../words.ts";

export interface ConnectionProps {
  readonly view: View;
  readonly setting: Setting<Connection> | null;
  /** Wrong settings that affect only a part. */
  readonly problems: readonly SettingProblem[];
  readonly sinks: number;
  readonly connections: ConnectionsAnswer;
  readonly agents: AgentsProps;
  readonly notice: string | null;
  readonly test: ShownTest | null;
  /** What was typed, except for secrets. */
  readonly candidate: { readonly baseUrl: string; readonly clientId: string; readonly keyId: string };
}

const Stored: FC<ConnectionProps> = ({ view, setting, sinks, test }) => (
  <Section title="This connection" id="connection">
    {setting === null ? (
      <Empty>There is no such connection.</Empty>
    ) : setting.ok ? (
      <>
        <Facts
          of={[
            ["Org", <Text of={setting.value.baseUrl} />],
            ["Credential", credentialKinds[setting.value.credential.kind] ?? ""],
            ["Share of rate limits", `${Math.round(setting.value.rateLimitShare * 100)} %`],
            ["Deletion guard", `${Math.round(setting.value.deletionGuard * 100)} %`],
            ["Every fact is read again within", counted(setting.value.refreshDays, "day")],
            [
              "Factors that do not count as MFA",
              <Text of={setting.value.mfaIgnoredFactors.join(", ")} none="none: every factor counts" />,
            ],
            [
              "Custom profile attributes that are kept",
              <Text of={setting.value.profileAttributes.join(", ")} none="none" />,
            ],
            ["Sinks", number(sinks)],
          ]}
        />
        <div class="actions">
          <Action
            view={view}
            to={linkTo(view, "/console/connection/test")}
            label="Test connector"
            kind="main"
          />
          {view.rights === "read" && <p class="hint">A read: key may not run the test.</p>}
        </div>
      </>
    ) : (
      <ProblemNote
        of={{
          status: 503,
          code: "misconfigured",
          title: "The settings of this connection are wrong",
          detail: "Nothing is read from Okta until they are fixed.",
          problems: setting.problems,
        }}
      />
    )}
    {test?.of === "stored" && <TestResult test={test} />}
  </Section>
);

const IdField: FC<{ label: string; name: "client_id" | "key_id"; value: string }> = ({
  label,
  name,
  value,
}) => (
  <label>
    <span>{label}</span>
    <input
      name={name}
      value={value}
      autocomplete="off"
      spellcheck={false}
      maxlength={candidateLengths[name]}
    />
  </label>
);

const Candidate: FC<ConnectionProps> = ({ view, candidate, test }) =>
  view.rights !== "full" ? null : (
    <Section title="Try another credential" id="candidate">
      <p class="hint">
        Test a credential before you store it as a secret. It is sent only to Okta, and it is not stored.
      </p>
      <form
        method="post"
        action={linkTo(view, "/console/connection/test")}
        class="fields"
        data-send=""
        autocomplete="off"
      >
        <input type="hidden" name="candidate" value="yes" />
        <label>
          <span>Base URL</span>
          <input
            type="url"
            name="base_url"
            value={candidate.baseUrl}
            placeholder="https://your-domain.okta.com"
            maxlength={candidateLengths.base_url}
            required
          />
        </label>
        <label>
          <span>API token</span>
          <input
            type="password"
            name="api_token"
            autocomplete="off"
            spellcheck={false}
            maxlength={candidateLengths.api_token}
          />
        </label>
        <details id="oauth">
          <summary>An OAuth service app instead of a token</summary>
          <IdField label="Client ID" name="client_id" value={candidate.clientId} />
          <label>
            <span>Private key, JWK or PKCS#8 PEM</span>
            <textarea
              name="private_key"
              rows={4}
              autocomplete="off"
              spellcheck={false}
              maxlength={candidateLengths.private_key}
            />
          </label>
          <IdField label="Key ID" name="key_id" value={candidate.keyId} />
        </details>
        <button type="submit">Test these</button>
      </form>
      {test?.of === "candidate" && <TestResult test={test} />}
    </Section>
  );

/** How often the page reloads its live part while a connection is being purged, ms. */
const REFRESH_MS = 2_000;

const isPurging = ({ connections }: ConnectionProps): boolean =>
  goneOf(connections).some(({ state }) => state === "deleting");

export const ConnectionPage: FC<ConnectionProps> = (props) => (
  <Page
    view={props.view}
    title="Connection"
    notice={props.notice}
    {...(isPurging(props) && { refresh: REFRESH_MS })}
  >
    {props.problems.length > 0 && (
      <ProblemNote
        of={{
          status: 200,
          code: "misconfigured",
          title: "Some settings are wrong",
          detail: "Each affects only its own part; everything else keeps working.",
          problems: props.problems,
        }}
      />
    )}
    <Stored {...props} />
    <Candidate {...props} />
    <Agents {...props.agents} />
    <RemovedConnections view={props.view} connections={props.connections} />
  </Page>
);
