/** The totals of the inventory. Each number links to the list of what it counts. */
import type { Child, FC, PropsWithChildren } from "hono/jsx";
import type { DeviceSummary, UserSummary } from "../contract/inventory-documents.ts";
import { TOMBSTONE_DAYS } from "../contract/limits.ts";
import type { Answer } from "./api.ts";
import { devicesPath, usersPath } from "./inventory-rows.tsx";
import { type Bar, Bars, Card, Empty, ProblemNote, Section } from "./parts.tsx";
import { linkTo, type View } from "./view.ts";
import { number, percent, spelled, statusTone, type Tone } from "./words.ts";

const Chart: FC<PropsWithChildren<{ title: string }>> = ({ title, children }) => (
  <div class="chart">
    <h3>{title}</h3>
    {children}
  </div>
);

/** How many assets have each value. Each count links to their list. */
const CountChart: FC<{
  title: string;
  total: number;
  of: Readonly<Record<string, number>>;
  href: (name: string) => string;
  label?: (name: string) => string;
  tone?: (name: string) => Tone;
}> = ({ title, total, of, href, label = spelled, tone }) => (
  <Chart title={title}>
    <Bars
      total={total}
      of={Object.entries(of).map(
        ([name, value]): Bar => ({
          label: label(name),
          value,
          href: href(name),
          ...(tone && { tone: tone(name) }),
        }),
      )}
    />
  </Chart>
);

/** One bar that shows how many users have MFA, have none, or are unknown. */
const MfaBar: FC<{ view: View; mfa: UserSummary["mfa"] }> = ({ view, mfa }) => {
  const total = mfa.enrolled + mfa.not_enrolled + mfa.unknown;
  const parts = [
    ["enrolled", "Enrolled", mfa.enrolled, "good"],
    ["not_enrolled", "Not enrolled", mfa.not_enrolled, "warn"],
    ["unknown", "Unknown", mfa.unknown, "mute"],
  ] as const;
  let x = 0;
  return (
    <>
      <svg class="stack" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="track" width="100" height="8" />
        {parts.map(([, , value, tone]) => {
          const width = total === 0 ? 0 : (value / total) * 100;
          x += width;
          return <rect class={tone} x={x - width} width={width} height="8" />;
        })}
      </svg>
      <ul class="legend">
        {parts.map(([mfaState, label, value, tone]) => (
          <li>
            <span class={`dot ${tone}`} />
            <a href={linkTo(view, usersPath, { mfa: mfaState })}>{label}</a>{" "}
            <span class="num">
              {number(value)} <span class="sub">{percent(value, total)}</span>
            </span>
          </li>
        ))}
      </ul>
    </>
  );
};

const StatusChart: FC<{ of: UserSummary | DeviceSummary; href: (status: string) => string }> = ({
  of,
  href,
}) => <CountChart title="Status" total={of.total} of={of.by_status} tone={statusTone} href={href} />;

const deletedLabel = `Deleted (${TOMBSTONE_DAYS} days)`;

const factNames: Readonly<Record<string, string>> = {
  factors: "MFA factors",
  groups: "Groups",
  roles: "Roles",
};

const UserTotals: FC<{ view: View; of: UserSummary }> = ({ view, of }) => {
  const to = (parameters: Record<string, string | boolean>) => linkTo(view, usersPath, parameters);
  const status = (name: string) => of.by_status[name] ?? 0;
  return (
    <>
      <div class="cards">
        <Card label="Users" value={of.total} href={to({})} />
        <Card label="Active" value={status("ACTIVE")} of={of.total} href={to({ status: "ACTIVE" })} />
        <Card
          label="Suspended"
          value={status("SUSPENDED")}
          of={of.total}
          href={to({ status: "SUSPENDED" })}
        />
        <Card
          label="Deprovisioned"
          value={status("DEPROVISIONED")}
          of={of.total}
          href={to({ status: "DEPROVISIONED" })}
        />
        <Card
          label="Without MFA"
          value={of.mfa.not_enrolled}
          tone="warn"
          href={to({ mfa: "not_enrolled" })}
        />
        <Card label="Administrators" value={of.admins.total} href={to({ admin: true })} />
        <Card
          label="Admins, no MFA"
          value={of.admins.without_mfa}
          tone="bad"
          href={to({ admin: true, mfa: "not_enrolled" })}
        />
        {of.admins.unknown > 0 && (
          <Card label="Admin: unknown" value={of.admins.unknown} href={to({ admin: "unknown" })} />
        )}
        {of.admins.mfa_unknown > 0 && (
          <Card
            label="Admins, MFA unknown"
            value={of.admins.mfa_unknown}
            tone="warn"
            href={to({ admin: true, mfa: "unknown" })}
          />
        )}
        <Card label={deletedLabel} value={of.deleted} href={to({ deleted: true })} />
      </div>
      <div class="charts">
        <StatusChart of={of} href={(status) => to({ status })} />
        <Chart title="MFA, without deprovisioned users">
          <MfaBar view={view} mfa={of.mfa} />
        </Chart>
        {Object.keys(of.unknown).length === 0 ? (
          <Chart title="Unknown facts">
            <p class="calm">None. Every fact is known.</p>
          </Chart>
        ) : (
          <CountChart
            title="Unknown facts"
            total={of.total}
            of={of.unknown}
            label={(fact) => factNames[fact] ?? fact}
            tone={() => "mute"}
            href={(fact) => to({ unknown: fact })}
          />
        )}
      </div>
    </>
  );
};

const complianceTones: Readonly<Record<string, Tone>> = { COMPLIANT: "good", NON_COMPLIANT: "bad" };

const DeviceTotals: FC<{ view: View; of: DeviceSummary }> = ({ view, of }) => {
  const to = (parameters: Record<string, string | boolean>) => linkTo(view, devicesPath, parameters);
  const { managed, not_managed, unknown } = of.by_management;
  return (
    <>
      <div class="cards">
        <Card label="Devices" value={of.total} href={to({})} />
        <Card
          label="Active"
          value={of.by_status["ACTIVE"] ?? 0}
          of={of.total}
          href={to({ status: "ACTIVE" })}
        />
        <Card label="Managed" value={managed} of={of.total} href={to({ managed: "true" })} />
        <Card
          label="Not managed"
          value={not_managed}
          of={of.total}
          tone="warn"
          href={to({ managed: "false" })}
        />
        <Card label="Managed: unknown" value={unknown} of={of.total} href={to({ managed: "unknown" })} />
        <Card label={deletedLabel} value={of.deleted} href={to({ deleted: true })} />
      </div>
      <div class="charts">
        <CountChart
          title="Platform"
          total={of.total}
          of={of.by_platform}
          label={(name) => name}
          href={(name) => to({ platform: name })}
        />
        <CountChart
          title="Compliance"
          total={of.total}
          of={of.by_compliance}
          tone={(name) => complianceTones[name] ?? "mute"}
          href={(name) => to({ compliance: name })}
        />
        <StatusChart of={of} href={(status) => to({ status })} />
      </div>
    </>
  );
};

/** The totals of one stream. When the inventory is empty, it says what to do. */
const TotalsSection = <T extends UserSummary | DeviceSummary>({
  view,
  title,
  one,
  answer,
  totals,
}: {
  readonly view: View;
  readonly title: string;
  readonly one: string;
  readonly answer: Answer<T>;
  readonly totals: (of: T) => Child;
}) => (
  <Section title={title} id={`${one}-totals`} live>
    {!answer.ok ? (
      <ProblemNote of={answer.problem} />
    ) : answer.value.total + answer.value.deleted === 0 ? (
      <Empty>
        No {one} has been read yet. <a href={linkTo(view, "/console/streams")}>Start a run</a>
      </Empty>
    ) : (
      totals(answer.value)
    )}
  </Section>
);

/** The totals of both streams. */
export const Totals: FC<{ view: View; users: Answer<UserSummary>; devices: Answer<DeviceSummary> }> = ({
  view,
  users,
  devices,
}) => (
  <>
    <TotalsSection
      view={view}
      title="Users"
      one="user"
      answer={users}
      totals={(of) => <UserTotals view={view} of={of} />}
    />
    <TotalsSection
      view={view}
      title="Devices"
      one="device"
      answer={devices}
      totals={(of) => <DeviceTotals view={view} of={of} />}
    />
  </>
);
