/** One user or device: its facts with their ages, what is unknown and why, and what it is linked to. */

import type { Child, FC } from "hono/jsx";
import type { SearchResults } from "../../contract/inventory-documents.ts";
import { TOMBSTONE_DAYS } from "../../contract/limits.ts";
import type { Dialect } from "../../contract/streams.ts";
import type { AssetDetail } from "../../inventory/api.ts";
import { displayName, filled, fullName, isAdmin, isManaged, lastSeen } from "../../ocsf/derive.ts";
import { osFamily } from "../../ocsf/platform.ts";
import type { Answer } from "../api.ts";
import { Factors, Groups, Roles } from "../fact-parts.tsx";
import { DeviceRows } from "../inventory-rows.tsx";
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
import { linkTo, segment, type View } from "../view.ts";
import { spelled } from "../words.ts";
import { rowsOf } from "./inventory.tsx";

const dialectNames: Readonly<Record<Dialect, string>> = { sekoia: "Sekoia.io", ocsf: "OCSF 1.6.0" };

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
    {(["sekoia", "ocsf"] as const).map((dialect) => (
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

const code = (text: string): Child => (
  <code>
    <Text of={text} />
  </code>
);

const Deleted: FC<{ at: number | null }> = ({ at }) =>
  at === null ? null : (
    <p class="note bad">
      Deleted in Okta, confirmed <Time at={at} />. This page shows what was known last. It is kept for{" "}
      {TOMBSTONE_DAYS} days.
    </p>
  );

export const UserPage: FC<{
  view: View;
  detail: Extract<AssetDetail, { stream: "users" }>;
  devices: Answer<SearchResults>;
}> = ({ view, detail, devices }) => {
  const { facts } = detail;
  const { user } = facts;
  const { profile } = user;
  const login = profile.login ?? null;
  const place = [profile.city, profile.state, profile.countryCode ?? profile.country]
    .filter(Boolean)
    .join(", ");
  return (
    <Page view={view} title={`${displayName(profile) ?? user.id}`.slice(0, 80)}>
      <p class="crumbs">
        <a href={linkTo(view, "/console/inventory")}>Inventory</a> /{" "}
        <a href={linkTo(view, "/console/inventory/users")}>Users</a>
      </p>
      <Deleted at={detail.deletedAt} />
      <Section
        title="Person"
        id="person"
        aside={
          login !== null && (
            <a href={linkTo(view, "/console/account", { account: detail.id })}>Look up at Okta now</a>
          )
        }
      >
        <Facts
          of={[
            ["Status", <Status of={user.status} deleted={detail.deletedAt !== null} />],
            ["Administrator", <Truth of={isAdmin(facts)} good={false} />],
            ["Login", <Text of={login} />],
            ["E-mail", <Text of={profile.email} />],
            profile.secondEmail === undefined ? null : ["Second e-mail", <Text of={profile.secondEmail} />],
            ["Full name", <Text of={fullName(profile.firstName, profile.lastName)} />],
            ["Display name", <Text of={profile.displayName} />],
            ["Title", <Text of={filled(profile.title) ?? profile.jobTitle} />],
            ["Department", <Text of={profile.department} />],
            ["Organization", <Text of={profile.organization} />],
            ["Manager", <Text of={profile.manager ?? profile.managerId} />],
            ["Employee number", <Text of={profile.employeeNumber} />],
            ["Phone", <Text of={profile.mobilePhone ?? profile.primaryPhone} />],
            ["Place", <Text of={place} />],
            ["Last login", <Time at={user.lastLogin} now={view.now} />],
            ["Password changed", <Time at={user.passwordChanged} now={view.now} />],
            ["Status changed", <Time at={user.statusChanged} />],
            ["Created", <Time at={user.created} />],
            ["Updated in Okta", <Time at={user.lastUpdated} />],
            ["Okta id", code(user.id)],
          ]}
        />
      </Section>
      <div class="pair">
        <Factors view={view} of={facts.factors} />
        <Roles view={view} of={facts.roles} />
      </div>
      <Groups view={view} of={facts.groups} />
      <Section title="Devices" id="devices">
        {!devices.ok ? (
          <ProblemNote of={devices.problem} />
        ) : devices.value.results.length === 0 ? (
          <Empty>No device is linked to this person.</Empty>
        ) : (
          <DeviceRows view={view} of={rowsOf.devices(devices.value)} label="Devices of this person" />
        )}
      </Section>
      <Events view={view} detail={detail} />
    </Page>
  );
};

export const DevicePage: FC<{ view: View; detail: Extract<AssetDetail, { stream: "devices" }> }> = ({
  view,
  detail,
}) => {
  const { device } = detail.facts;
  const { profile } = device;
  const flag = (value: boolean | undefined, good?: boolean) => (
    <Truth of={value ?? null} {...(good !== undefined && { good })} />
  );
  return (
    <Page view={view} title={(profile.displayName ?? device.id).slice(0, 80)}>
      <p class="crumbs">
        <a href={linkTo(view, "/console/inventory")}>Inventory</a> /{" "}
        <a href={linkTo(view, "/console/inventory/devices")}>Devices</a>
      </p>
      <Deleted at={detail.deletedAt} />
      <Section title="Device" id="device">
        <Facts
          of={[
            ["Status", <Status of={device.status} deleted={detail.deletedAt !== null} />],
            ["Managed", <Truth of={isManaged(device)} good={true} />],
            ["Compliance", <Text of={spelled(device.complianceStatus ?? "UNKNOWN")} />],
            ["Platform", <Text of={osFamily(profile.platform) ?? profile.platform} />],
            ["OS version", <Text of={profile.osVersion} />],
            ["Manufacturer", <Text of={profile.manufacturer} />],
            ["Model", <Text of={profile.model} />],
            ["Serial number", <Text of={profile.serialNumber} />],
            ["Registered", flag(profile.registered)],
            ["Secure hardware", flag(profile.secureHardwarePresent, true)],
            [
              "Disk encryption",
              <Text of={profile.diskEncryptionType && spelled(profile.diskEncryptionType)} none="unknown" />,
            ],
            ["Jailbroken", flag(profile.integrityJailbreak, false)],
            ["IMEI", <Text of={profile.imei} />],
            ["UDID", <Text of={profile.udid} />],
            ["Last seen", <Time at={lastSeen(device)} now={view.now} />],
            ["Created", <Time at={device.created} />],
            ["Updated in Okta", <Time at={device.lastUpdated} />],
            ["Okta id", code(device.id)],
          ]}
        />
      </Section>
      <Section title="People" id="people">
        {device.users.length === 0 ? (
          <Empty>Nobody is linked to this device.</Empty>
        ) : (
          <Table
            label="People of this device"
            heads={["Name", "Login", "Management", "Screen lock", "Linked"]}
          >
            {device.users.map((user) => (
              <tr>
                <th scope="row">
                  <a href={linkTo(view, `/console/inventory/users/${segment(user.id)}`)}>
                    <Text
                      of={
                        user.displayName ?? fullName(user.firstName, user.lastName) ?? user.login ?? user.id
                      }
                      max={60}
                    />
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
      <Events view={view} detail={detail} />
    </Page>
  );
};
