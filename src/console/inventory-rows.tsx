/** Tables of users and devices. Each row links to the asset, and a group's name to its members. */
import type { Child, FC } from "hono/jsx";
import type { FoundDevice, FoundUser, SearchResults } from "../contract/inventory-documents.ts";
import type { SearchQuery } from "../contract/stream-api.ts";
import type { StreamName } from "../contract/streams.ts";
import type { Head } from "../http/table.tsx";
import { Status, Table, Text, Time, Truth } from "./parts.tsx";
import { linkTo, segment, type View } from "./view.ts";

export const usersPath = "/console/inventory/users";
export const devicesPath = "/console/inventory/devices";

export const GroupName: FC<{ view: View; of: { readonly id: string; readonly name: string | null } }> = ({
  view,
  of,
}) => (
  <th scope="row">
    <a href={linkTo(view, usersPath, { group: of.id })}>
      <Text of={of.name ?? of.id} max={80} />
    </a>
  </th>
);

/** A heading of a list that can be sorted by it. */
export type HeadOf = (text: string, by: SearchQuery["sort"]) => string | Head;

/** Of lists that cannot be sorted. */
const plainHead: HeadOf = (text) => text;

const UserRows: FC<{ view: View; of: readonly FoundUser[]; label: string; head: HeadOf }> = ({
  view,
  of,
  label,
  head,
}) => (
  <Table
    label={label}
    heads={[
      head("Name", "name"),
      head("Status", "status"),
      "MFA",
      "Admin",
      "Login",
      "Department",
      head("Last login", "last_login"),
      head("Created", "created"),
    ]}
  >
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
        <td>
          <Time at={user.created} now={view.now} none="–" />
        </td>
      </tr>
    ))}
  </Table>
);

/** Yes or no without emphasis. */
const PlainTruth: FC<{ of: boolean | null }> = ({ of }) =>
  of === null ? <Truth of={null} /> : <span class="none">{of ? "Yes" : "No"}</span>;

const DeviceRows: FC<{ view: View; of: readonly FoundDevice[]; label: string; head: HeadOf }> = ({
  view,
  of,
  label,
  head,
}) => (
  <Table
    label={label}
    heads={[
      head("Name", "name"),
      head("Status", "status"),
      "Managed",
      "People",
      "Platform",
      "Model",
      "Serial number",
      "Last seen",
      head("Created", "created"),
    ]}
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
        <td>
          <Time at={device.created} now={view.now} none="–" />
        </td>
      </tr>
    ))}
  </Table>
);

/** Rows of what was found in one stream. @param head the headings, for a list that can be sorted */
export const Rows: FC<{
  view: View;
  stream: StreamName;
  found: SearchResults;
  label: string;
  head?: HeadOf;
}> = ({ view, stream, found: { results }, label, head = plainHead }) =>
  rowsOf[stream]({ view, results, label, head });

type RowsOf = (of: { view: View; results: SearchResults["results"]; label: string; head: HeadOf }) => Child;

const rowsOf: Readonly<Record<StreamName, RowsOf>> = {
  users: ({ view, results, label, head }) => (
    <UserRows
      view={view}
      of={results.filter((found) => found.stream === "users")}
      label={label}
      head={head}
    />
  ),
  devices: ({ view, results, label, head }) => (
    <DeviceRows
      view={view}
      of={results.filter((found) => found.stream === "devices")}
      label={label}
      head={head}
    />
  ),
};
