/** What agents have called, by tool and key and day by day, and where they connect. */
import type { FC } from "hono/jsx";
import type { Rights } from "../config/access.ts";
import type { CallHistory } from "../contract/calls.ts";
import { type CallDay, type CallSums, callDays, callRows, callsIn } from "./agent-calls.ts";
import type { Answer } from "./api.ts";
import { Badge, CopyButton, ProblemNote, Section, Table, Text } from "./parts.tsx";
import { dayWords } from "./trend.ts";
import { number } from "./words.ts";

export interface AgentsProps {
  readonly calls: Answer<CallHistory>;
  /** Where agents connect. */
  readonly url: string;
  /** What each key in API_KEYS may do, in its order; never the keys. */
  readonly rights: readonly Rights[];
  /** ms since the epoch */
  readonly now: number;
}

/** Rows of the table by tool and key. So many tools with so many keys are more than anybody needs. */
const ROWS_SHOWN = 200;

/** How a caller that has no key is named. */
const named: Readonly<Record<string, string>> = { access: "Cloudflare Access" };

/** What the key may do that is at this place now; null if there is none, or if it is no place. */
const rightsOf = (key: string, rights: readonly Rights[]): Rights | null =>
  rights.find((_, index) => key === `API_KEYS[${index}]`) ?? null;

const KeyRights: FC<{ of: string; rights: readonly Rights[] }> = ({ of: key, rights }) => {
  if (key === "access") return <Badge tone="warn">Full rights</Badge>;
  const found = rightsOf(key, rights);
  if (found === null) return <span class="none">no such key now</span>;
  return (
    <Badge tone={found === "full" ? "warn" : "good"}>{found === "full" ? "Full rights" : "Read only"}</Badge>
  );
};

/** Cells of numbers. A failure is a fault of the connector's. */
const Sums: FC<{ of: CallSums }> = ({ of: { ok, refused, failed } }) => (
  <>
    <td class="num">{number(ok)}</td>
    <td class="num">{number(refused)}</td>
    <td class="num">{failed === 0 ? number(failed) : <Badge tone="bad">{number(failed)}</Badge>}</td>
  </>
);

const heads = ["Answered", "Refused", "Failed"];

const ByTool: FC<AgentsProps & { of: CallHistory }> = ({ of, rights }) => {
  const rows = callRows(of);
  return (
    <>
      <Table label="Calls by tool and key" heads={["Tool", ...heads, "Key", "Rights"]}>
        {rows.slice(0, ROWS_SHOWN).map((row) => (
          <tr>
            <th scope="row" class="tool">
              <Text of={row.tool} max={60} />
            </th>
            <Sums of={row} />
            <td>
              <Text of={named[row.key] ?? row.key} max={40} />
            </td>
            <td>
              <KeyRights of={row.key} rights={rights} />
            </td>
          </tr>
        ))}
      </Table>
      {rows.length > ROWS_SHOWN && <p class="sub">and {number(rows.length - ROWS_SHOWN)} more</p>}
    </>
  );
};

const DayRow: FC<{ of: CallDay; most: number; now: number }> = ({ of, most, now }) => (
  <tr>
    <th scope="row">{dayWords(of.day, now)}</th>
    <td>
      <div class="day-calls">
        <span>{number(callsIn(of))}</span>
        <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
          <rect class="track" width="100" height="8" />
          <rect class="busy" width={Math.max(0.8, (callsIn(of) / most) * 100)} height="8" />
        </svg>
      </div>
    </td>
    <Sums of={of} />
    <td>
      <Text of={of.keys.map((key) => named[key] ?? key).join(", ")} max={60} />
    </td>
  </tr>
);

const ByDay: FC<{ of: CallHistory; now: number }> = ({ of, now }) => {
  const days = callDays(of, now);
  const most = Math.max(1, ...days.map(callsIn));
  return days.length === 0 ? (
    <p class="sub">No tool was called in the last 30 days.</p>
  ) : (
    <details id="agent-days">
      <summary>Day by day, the last 30 days</summary>
      <Table label="Calls day by day" heads={["Day (UTC)", "Calls", ...heads, "Keys"]}>
        {days.map((day) => (
          <DayRow of={day} most={most} now={now} />
        ))}
      </Table>
    </details>
  );
};

/** How an agent is connected. */
const Address: FC<{ url: string }> = ({ url }) => (
  <p>
    Agents connect to <code id="agent-address">{url}</code> <CopyButton of="agent-address" isShort /> with the
    header <code>Authorization: Bearer KEY</code>. Give each of them a <code>read:</code> key of its own in{" "}
    <code>API_KEYS</code>. The file <code>docs/agents.md</code> of the connector says how to connect each
    client.
  </p>
);

export const Agents: FC<AgentsProps> = (props) => {
  const { calls, url, now } = props;
  return (
    <Section title="Agents" id="agents">
      {!calls.ok ? (
        <ProblemNote of={calls.problem} />
      ) : calls.value.total.length === 0 ? (
        <p class="empty">No agent has called a tool yet.</p>
      ) : (
        <>
          <p class="hint">
            Calls of tools by agents, on all connections. A key is named by its place in <code>API_KEYS</code>
            , from 0; what is counted for a place stays when another key takes it. A call is refused for a
            wrong argument or setting.
          </p>
          <ByTool {...props} of={calls.value} />
          <ByDay of={calls.value} now={now} />
        </>
      )}
      <Address url={url} />
    </Section>
  );
};
