/** The connection: what it is, whether it works, and whether another credential would. */
import type { FC } from "hono/jsx";
import type { Connection, Setting, SettingProblem } from "../../config.ts";
import type { ConnectionTest } from "../../connection-test/index.ts";
import type { Answer } from "../api.ts";
import { Page } from "../layout.tsx";
import { Action, Badge, Empty, Facts, ProblemNote, Section, Table, Text } from "../parts.tsx";
import { linkTo, type View } from "../view.ts";
import { counted, duration, number, type Tone } from "../words.ts";

export interface ConnectionProps {
  readonly view: View;
  readonly setting: Setting<Connection> | null;
  /** Settings that are wrong and stop only a part. */
  readonly problems: readonly SettingProblem[];
  readonly sinks: number;
  /** Of the stored connection, or of a candidate. */
  readonly test: { readonly of: "stored" | "candidate"; readonly answer: Answer<ConnectionTest> } | null;
  /** What was typed, but for the secrets. */
  readonly candidate: { readonly baseUrl: string; readonly clientId: string; readonly keyId: string };
}

const tones: Readonly<Record<string, Tone>> = { pass: "good", fail: "bad", unknown: "mute" };
const verdicts: Readonly<Record<string, string>> = { pass: "Works", fail: "Fails", unknown: "Not known" };
const kinds: Readonly<Record<string, string>> = { ssws: "API token", oauth: "OAuth service app" };
const pipelines: Readonly<Record<string, string>> = { idx: "Identity Engine", v1: "Classic Engine" };

const names: Readonly<Record<string, string>> = {
  users: "Users",
  groups: "Groups",
  factors: "MFA factors",
  roles: "Admin roles",
  devices: "Devices",
  logs: "System Log",
};

const Result: FC<{ answer: Answer<ConnectionTest>; title: string; id: string }> = ({ answer, title, id }) => {
  if (!answer.ok) {
    return (
      <div class="test" id={id}>
        <ProblemNote of={answer.problem} />
      </div>
    );
  }
  const { ok, org, credential, clock_skew_ms, checks, estimate } = answer.value;
  const skew = clock_skew_ms === null ? null : Math.abs(clock_skew_ms);
  return (
    <div class="test" id={id}>
      <p class={`note ${ok ? "good" : "bad"}`} role="status">
        <strong>{ok ? `${title} works.` : `${title} does not work as it should.`}</strong>
      </p>
      <Facts
        of={[
          ["Org", <Text of={org.base_url} max={120} />],
          ["Org id", <Text of={org.id} max={60} none="not told" />],
          ["Engine", org.pipeline === null ? "not told" : (pipelines[org.pipeline] ?? org.pipeline)],
          ["Credential", kinds[credential.kind] ?? credential.kind],
          credential.scopes === undefined
            ? null
            : ["Scopes", <Text of={credential.scopes.join(" ")} max={400} none="none" />],
          ["Clock", skew === null ? "not told" : skew < 2_000 ? "in step" : `${duration(skew / 1000)} apart`],
          [
            "A first full run",
            estimate.calls === null
              ? "not known"
              : `${estimate.users === null ? "" : `${counted(estimate.users, "user")}, `}${
                  estimate.devices === null ? "" : `${counted(estimate.devices, "device")}, `
                }about ${counted(estimate.calls, "call")}${
                  estimate.minutes === null ? "" : ` and ${counted(estimate.minutes, "minute")}`
                }`,
          ],
        ]}
      />
      <Table
        label={`Checks: ${title}`}
        heads={["Capability", "Verdict", "What was found", "Latency", "Limit"]}
      >
        {checks.map((check) => (
          <tr>
            <th scope="row">
              {names[check.name] ?? <Text of={check.name.replace(/^sink:/, "Sink ")} max={80} />}
            </th>
            <td>
              <Badge tone={tones[check.status] ?? "mute"}>{verdicts[check.status] ?? check.status}</Badge>
            </td>
            <td class="wide">
              <Text of={check.message} max={500} />
              {check.remedy !== null && (
                <span class="remedy">
                  <Text of={check.remedy} max={600} />
                </span>
              )}
            </td>
            <td class="num">{check.latency_ms === null ? "–" : `${number(check.latency_ms)} ms`}</td>
            <td class="num">
              {check.rate_limit === null || check.rate_limit.limit === null
                ? "–"
                : `${check.rate_limit.remaining === null ? "?" : number(check.rate_limit.remaining)} of ${number(check.rate_limit.limit)} left`}
            </td>
          </tr>
        ))}
      </Table>
    </div>
  );
};

const Stored: FC<ConnectionProps> = ({ view, setting, sinks, test }) => (
  <Section title="This connection" id="connection">
    {setting === null ? (
      <Empty>There is no such connection.</Empty>
    ) : setting.ok ? (
      <>
        <Facts
          of={[
            ["Org", <Text of={setting.value.baseUrl} />],
            ["Credential", kinds[setting.value.credential.kind] ?? ""],
            ["Share of rate limits", `${Math.round(setting.value.rateLimitShare * 100)} %`],
            ["Deletion guard", `${Math.round(setting.value.deletionGuard * 100)} %`],
            ["Facts are read again within", counted(setting.value.refreshDays, "day")],
            [
              "Factors that do not count as MFA",
              <Text of={setting.value.mfaIgnoredFactors.join(", ")} none="none: all count" />,
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
          {view.rights === "read" && <p class="hint">Testing needs a key without read: before it.</p>}
        </div>
      </>
    ) : (
      <ProblemNote
        of={{
          status: 503,
          code: "misconfigured",
          title: "The settings of this connection are wrong",
          detail: "Nothing is read from Okta until they are right.",
          problems: setting.problems,
        }}
      />
    )}
    {test?.of === "stored" && <Result answer={test.answer} title="The connection" id="result" />}
  </Section>
);

const Candidate: FC<ConnectionProps> = ({ view, candidate, test }) =>
  view.rights !== "full" ? null : (
    <Section title="Try another credential" id="candidate">
      <p class="hint">Before it is stored as a secret. It is sent to Okta alone, and kept nowhere.</p>
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
            maxlength={2048}
            required
          />
        </label>
        <label>
          <span>API token</span>
          <input type="password" name="api_token" autocomplete="off" spellcheck={false} maxlength={4096} />
        </label>
        <details id="oauth">
          <summary>An OAuth service app instead of a token</summary>
          <label>
            <span>Client ID</span>
            <input
              name="client_id"
              value={candidate.clientId}
              autocomplete="off"
              spellcheck={false}
              maxlength={256}
            />
          </label>
          <label>
            <span>Private key, JWK or PKCS#8 PEM</span>
            <textarea name="private_key" rows={4} autocomplete="off" spellcheck={false} maxlength={32768} />
          </label>
          <label>
            <span>Key ID</span>
            <input
              name="key_id"
              value={candidate.keyId}
              autocomplete="off"
              spellcheck={false}
              maxlength={256}
            />
          </label>
        </details>
        <button type="submit">Test these</button>
      </form>
      {test?.of === "candidate" && <Result answer={test.answer} title="The candidate" id="result" />}
    </Section>
  );

export const ConnectionPage: FC<ConnectionProps> = (props) => (
  <Page view={props.view} title="Connection">
    {props.problems.length > 0 && (
      <ProblemNote
        of={{
          status: 200,
          code: "misconfigured",
          title: "Some settings are wrong",
          detail: "Each stops only its own part.",
          problems: props.problems,
        }}
      />
    )}
    <Stored {...props} />
    <Candidate {...props} />
  </Page>
);
