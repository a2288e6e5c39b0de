/** Totals with the list behind each, and rows of what was found. */
import type { FC } from "hono/jsx";
import type { DeviceSummary, FoundDevice, FoundUser, UserSummary } from "../sync/explore-documents.ts";
import type { Answer } from "./api.ts";
import { Bars, Card, Empty, ProblemNote, Section, Status, Table, Text, Time, Truth } from "./parts.tsx";
import { linkTo, segment, type View } from "./view.ts";
import { number, percent, spelled, statusTone } from "./words.ts";

const usersPath = "/console/inventory/users";
const devicesPath = "/console/inventory/devices";

/** Enrolled, not enrolled and unknown as one bar. */
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

const factNames = { factors: "MFA factors", groups: "Groups", roles: "Roles" } as const;

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
        <Card label="Deleted (30 days)" value={of.deleted} href={to({ deleted: true })} />
      </div>
      <div class="charts">
        <div class="chart">
          <h3>Status</h3>
          <Bars
            total={of.total}
            of={Object.entries(of.by_status).map(([name, value]) => ({
              label: spelled(name),
              value,
              tone: statusTone(name),
              href: to({ status: name }),
            }))}
          />
        </div>
        <div class="chart">
          <h3>MFA of those not deprovisioned</h3>
          <MfaBar view={view} mfa={of.mfa} />
        </div>
        <div class="chart">
          <h3>Unknown facts</h3>
          {Object.keys(of.unknown).length === 0 ? (
            <p class="calm">None: everything could be read.</p>
          ) : (
            <Bars
              total={of.total}
              of={(["factors", "groups", "roles"] as const)
                .filter((fact) => of.unknown[fact] !== undefined)
                .map((fact) => ({
                  label: factNames[fact],
                  value: of.unknown[fact] ?? 0,
                  tone: "mute",
                  href: to({ unknown: fact }),
                }))}
            />
          )}
        </div>
      </div>
    </>
  );
};

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
        <Card label="Deleted (30 days)" value={of.deleted} href={to({ deleted: true })} />
      </div>
      <div class="charts">
        <div class="chart">
          <h3>Platform</h3>
          <Bars
            total={of.total}
            of={Object.entries(of.by_platform).map(([label, value]) => ({
              label,
              value,
              href: to({ platform: label }),
            }))}
          />
        </div>
        <div class="chart">
          <h3>Compliance</h3>
          <Bars
            total={of.total}
            of={Object.entries(of.by_compliance).map(([name, value]) => ({
              label: spelled(name),
              value,
              tone: name === "COMPLIANT" ? "good" : name === "NON_COMPLIANT" ? "bad" : "mute",
              href: to({ compliance: name }),
            }))}
          />
        </div>
        <div class="chart">
          <h3>Status</h3>
          <Bars
            total={of.total}
            of={Object.entries(of.by_status).map(([name, value]) => ({
              label: spelled(name),
              value,
              tone: statusTone(name),
              href: to({ status: name }),
            }))}
          />
        </div>
      </div>
    </>
  );
};

/** What the inventory holds; each number leads to the list behind it. */
export const Totals: FC<{ view: View; users: Answer<UserSummary>; devices: Answer<DeviceSummary> }> = ({
  view,
  users,
  devices,
}) => (
  <>
    <Section title="Users" id="user-totals" live>
      {!users.ok ? (
        <ProblemNote of={users.problem} />
      ) : users.value.total + users.value.deleted === 0 ? (
        <Empty>
          No user has been read yet. <a href={linkTo(view, "/console/streams")}>Start a run</a>
        </Empty>
      ) : (
        <UserTotals view={view} of={users.value} />
      )}
    </Section>
    <Section title="Devices" id="device-totals" live>
      {!devices.ok ? (
        <ProblemNote of={devices.problem} />
      ) : devices.value.total + devices.value.deleted === 0 ? (
        <Empty>
          No device has been read yet. <a href={linkTo(view, "/console/streams")}>Start a run</a>
        </Empty>
      ) : (
        <DeviceTotals view={view} of={devices.value} />
      )}
    </Section>
  </>
);

export const UserRows: FC<{ view: View; of: readonly FoundUser[]; label: string }> = ({
  view,
  of,
  label,
}) => (
  <Table label={label} heads={["Name", "Status", "MFA", "Admin", "Login", "Department", "Last login"]}>
    {of.map((user) => (
      <tr>
        <th scope="row">
          <a href={linkTo(view, `${usersPath}/${segment(user.id)}`)}>
            <Text of={user.name ?? user.login ?? user.id} max={60} />
          </a>
        </th>
        <td>
          <Status of={user.status} deleted={user.deleted} />
        </td>
        <td>
          {user.status === "DEPROVISIONED" ? (
            <PlainTruth of={user.mfa_enrolled} />
          ) : (
            <Truth of={user.mfa_enrolled} good={true} />
          )}
        </td>
        <td>
          {user.is_admin === true ? <Truth of={true} yes="Admin" /> : <PlainTruth of={user.is_admin} />}
        </td>
        <td>
          <Text of={user.login} max={60} />
        </td>
        <td>
          <Text of={user.department} max={40} />
        </td>
        <td>
          <Time at={user.last_login} now={view.now} />
        </td>
      </tr>
    ))}
  </Table>
);

/** A no that needs no weight. */
const PlainTruth: FC<{ of: boolean | null }> = ({ of }) =>
  of === null ? <Truth of={null} /> : <span class="none">{of ? "Yes" : "No"}</span>;

export const DeviceRows: FC<{ view: View; of: readonly FoundDevice[]; label: string }> = ({
  view,
  of,
  label,
}) => (
  <Table
    label={label}
    heads={["Name", "Status", "Managed", "People", "Platform", "Model", "Serial number", "Last seen"]}
  >
    {of.map((device) => (
      <tr>
        <th scope="row">
          <a href={linkTo(view, `${devicesPath}/${segment(device.id)}`)}>
            <Text of={device.name ?? device.id} max={60} />
          </a>
        </th>
        <td>
          <Status of={device.status} deleted={device.deleted} />
        </td>
        <td>
          <Truth of={device.is_managed} good={true} />
        </td>
        <td>
          {device.users.length === 0 && <span class="none">nobody</span>}
          {device.users.slice(0, 3).map((user, index) => (
            <>
              {index > 0 && ", "}
              <a href={linkTo(view, `${usersPath}/${segment(user.id)}`)}>
                <Text of={user.display_name ?? user.login ?? user.id} max={40} />
              </a>
            </>
          ))}
          {device.users.length > 3 && ` and ${device.users.length - 3} more`}
        </td>
        <td>
          <Text of={device.platform} max={24} /> <Text of={device.os_version} max={24} none="" />
        </td>
        <td>
          <Text of={device.model} max={40} />
        </td>
        <td>
          <Text of={device.serial_number} max={40} />
        </td>
        <td>
          <Time at={device.last_seen} now={view.now} />
        </td>
      </tr>
    ))}
  </Table>
);
