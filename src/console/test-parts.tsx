/** A test of the connection as a page shows it: in progress, and with its results. */
import type { FC } from "hono/jsx";
import type { Check, ConnectionTest } from "../connection-test/index.ts";
import type { Answer } from "./api.ts";
import { Badge, Facts, ProblemNote, Table, Text } from "./parts.tsx";
import { counted, duration, number, type Tone } from "./words.ts";

/** A test in progress: the names of its checks in the document's order, and the finished checks by their index. */
export interface UnderWay {
  readonly names: readonly string[];
  readonly checks: ReadonlyMap<number, Check>;
}

/** A test of the stored connection or of a candidate, finished or in progress. */
export type ShownTest = { readonly of: "stored" | "candidate" } & (
  | { readonly answer: Answer<ConnectionTest> }
  | { readonly underWay: UnderWay }
);

const titles: Readonly<Record<ShownTest["of"], string>> = {
  stored: "The connection",
  candidate: "The candidate",
};

const tones: Readonly<Record<Check["status"], Tone>> = { pass: "good", fail: "bad", unknown: "mute" };
const verdicts: Readonly<Record<Check["status"], string>> = {
  pass: "Works",
  fail: "Fails",
  unknown: "Unknown",
};
const pipelines: Readonly<Record<string, string>> = { idx: "Identity Engine", v1: "Classic Engine" };

export const credentialKinds: Readonly<Record<ConnectionTest["credential"]["kind"], string>> = {
  ssws: "API token",
  oauth: "OAuth service app",
};

const names: Readonly<Record<string, string>> = {
  users: "Users",
  groups: "Groups",
  factors: "MFA factors",
  roles: "Admin roles",
  devices: "Devices",
  logs: "System Log",
  hooks: "Event hooks",
};

const limitWords = (limit: Check["rate_limit"]): string =>
  limit === null || limit.limit === null
    ? "–"
    : `${limit.remaining === null ? "?" : number(limit.remaining)} of ${number(limit.limit)} left`;

const CheckName: FC<{ of: string }> = ({ of }) => (
  <th scope="row">{names[of] ?? <Text of={of.replace(/^sink:/, "Sink ")} max={80} />}</th>
);

const CheckRow: FC<{ of: Check }> = ({ of: { name, status, message, remedy, latency_ms, rate_limit } }) => (
  <tr>
    <CheckName of={name} />
    <td>
      <Badge tone={tones[status]}>{verdicts[status]}</Badge>
    </td>
    <td class="wide">
      <Text of={message} max={500} />
      {remedy !== null && (
        <span class="remedy">
          <Text of={remedy} max={600} />
        </span>
      )}
    </td>
    <td class="num">{latency_ms === null ? "–" : `${number(latency_ms)} ms`}</td>
    <td class="num">{limitWords(rate_limit)}</td>
  </tr>
);

/** The script finds this row by `data-trying` when the test is cut off. */
const TryingRow: FC<{ name: string }> = ({ name }) => (
  <tr>
    <CheckName of={name} />
    <td>
      <span class="badge busy" data-trying="">
        Testing…
      </span>
    </td>
    <td class="wide" />
    <td />
    <td />
  </tr>
);

const Checks: FC<{ title: string; of: readonly (Check | string)[] }> = ({ title, of }) => (
  <Table
    label={`Checks: ${title}`}
    heads={["Capability", "Result", "What was found", "Latency", "Rate limit"]}
  >
    {of.map((check) => (typeof check === "string" ? <TryingRow name={check} /> : <CheckRow of={check} />))}
  </Table>
);

const estimateWords = ({ users, devices, calls, minutes }: ConnectionTest["estimate"]): string => {
  if (calls === null) return "unknown";
  const assets = [
    users === null ? null : counted(users, "user"),
    devices === null ? null : counted(devices, "device"),
  ].filter((part) => part !== null);
  const cost = [counted(calls, "call"), minutes === null ? null : counted(minutes, "minute")].filter(
    (part) => part !== null,
  );
  return [...assets, `about ${cost.join(" and ")}`].join(", ");
};

const TestFacts: FC<{ of: ConnectionTest }> = ({ of: { org, credential, clock_skew_ms, estimate } }) => {
  const skew = clock_skew_ms === null ? null : Math.abs(clock_skew_ms);
  return (
    <Facts
      of={[
        ["Org", <Text of={org.base_url} max={120} />],
        ["Org id", <Text of={org.id} max={60} none="unknown" />],
        [
          "Engine",
          <Text of={org.pipeline && (pipelines[org.pipeline] ?? org.pipeline)} max={60} none="unknown" />,
        ],
        ["Credential", credentialKinds[credential.kind]],
        credential.scopes === undefined
          ? null
          : ["Scopes", <Text of={credential.scopes.join(" ")} max={400} none="none" />],
        ["Clock", skew === null ? "unknown" : skew < 2_000 ? "in sync" : `${duration(skew / 1000)} apart`],
        ["A first full run", estimateWords(estimate)],
      ]}
    />
  );
};

/** The verdict. Screen readers read it out when the test begins and when it ends. */
const Verdict: FC<{ tone: Tone; text: string }> = ({ tone, text }) => (
  <p class={`note ${tone}`} role="status">
    <strong>{text}</strong>
  </p>
);

const Inside: FC<{ test: ShownTest }> = ({ test }) => {
  const title = titles[test.of];
  if ("underWay" in test) {
    const { names, checks } = test.underWay;
    return (
      <>
        <Verdict tone="busy" text={`${title} is being tested…`} />
        <Checks title={title} of={names.map((name, index) => checks.get(index) ?? name)} />
      </>
    );
  }
  if (!test.answer.ok) return <ProblemNote of={test.answer.problem} />;
  const { ok, checks } = test.answer.value;
  return (
    <>
      <Verdict
        tone={ok ? "good" : "bad"}
        text={ok ? `${title} works.` : `${title} does not work as it should.`}
      />
      <Checks title={title} of={checks} />
      <TestFacts of={test.answer.value} />
    </>
  );
};

export const TestResult: FC<{ test: ShownTest }> = ({ test }) => (
  <div class="test" id="result" tabindex={-1}>
    <Inside test={test} />
  </div>
);
