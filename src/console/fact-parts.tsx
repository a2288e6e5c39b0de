/** The facts that are read separately from a user's record. Each is shown with its age, or why it is unknown. */
import type { Child, FC, PropsWithChildren } from "hono/jsx";
import { type Fact, type GroupFacts, shown } from "../inventory/facts.ts";
import { privileges } from "../ocsf/derive.ts";
import { factorName } from "../okta/factor-names.ts";
import type { OktaFactor, OktaRole } from "../okta/records.ts";
import { GroupName } from "./inventory-rows.tsx";
import { Badge, Empty, Section, Table, Text, Time } from "./parts.tsx";
import type { View } from "./view.ts";
import { spelled } from "./words.ts";

const reasons = {
  pending: "not read yet",
  forbidden: "this credential may not read it",
  failed: "the last attempt to read it failed; the next run tries again",
} as const;

/** When a fact was read, or why it is unknown and how old the last known value is. */
const Age: FC<{ of: Fact<unknown>; now: number }> = ({ of, now }) =>
  of.state === "known" ? (
    <span class="sub">
      read <Time at={of.at} now={now} />
    </span>
  ) : (
    <span class="sub">
      <Badge tone="warn">Unknown</Badge> {reasons[of.reason]}
      {of.last !== undefined && (
        <>
          ; the last known value is shown, read <Time at={of.last.at} now={now} />
        </>
      )}
    </span>
  );

const ListSection = <T,>({
  view,
  title,
  id,
  of,
  none,
  list,
}: {
  readonly view: View;
  readonly title: string;
  readonly id: string;
  readonly of: Fact<readonly T[]>;
  readonly none: string;
  readonly list: (items: readonly T[]) => Child;
}) => {
  const items = shown(of);
  return (
    <Section title={title} id={id} aside={<Age of={of} now={view.now} />}>
      {items === null ? <Empty>Unknown.</Empty> : items.length === 0 ? <Empty>{none}</Empty> : list(items)}
    </Section>
  );
};

/** A name with details. The status is shown only when it is not ACTIVE. */
const Tag: FC<PropsWithChildren<{ name: string; status: string }>> = ({ name, status, children }) => (
  <li>
    <Text of={name} max={60} />{" "}
    <span class="sub">
      {children}
      {status !== "ACTIVE" && (
        <>
          {", "}
          <Text of={spelled(status)} max={24} />
        </>
      )}
    </span>
  </li>
);

/** When it was added, where Okta tells it. */
const Added: FC<{ at: string | null | undefined; now: number }> = ({ at, now }) =>
  at == null ? null : (
    <>
      {", added "}
      <Time at={at} now={now} />
    </>
  );

export const Factors: FC<{ view: View; of: Fact<readonly OktaFactor[]> }> = ({ view, of }) => (
  <ListSection
    view={view}
    title="MFA factors"
    id="factors"
    of={of}
    none="No factor is enrolled."
    list={(factors) => (
      <ul class="tags">
        {factors.map((factor) => (
          <Tag name={factorName(factor)} status={factor.status}>
            <Text of={factor.provider} max={24} none="" />
            <Added at={factor.created} now={view.now} />
          </Tag>
        ))}
      </ul>
    )}
  />
);

export const Roles: FC<{ view: View; of: Fact<readonly OktaRole[]> }> = ({ view, of }) => (
  <ListSection
    view={view}
    title="Roles"
    id="roles"
    of={of}
    none="No roles."
    list={(roles) => (
      <ul class="tags">
        {roles.map((role) => (
          <Tag name={role.label ?? spelled(role.type)} status={role.status}>
            {role.assignmentType === "GROUP" ? "through " : "direct"}
            {role.assignmentType === "GROUP" && <Text of={role.group ?? "a group"} max={60} />}
            <Added at={role.created} now={view.now} />
          </Tag>
        ))}
      </ul>
    )}
  />
);

/** The roles that a group gives to its members. */
const Given: FC<{ of: Fact<readonly OktaRole[]> }> = ({ of }) => {
  const roles = shown(of);
  return roles === null ? (
    <Badge tone="mute">Unknown</Badge>
  ) : (
    <Text of={privileges(roles).join(", ")} max={120} none="none" />
  );
};

export const Groups: FC<{ view: View; of: Fact<readonly GroupFacts[]> }> = ({ view, of }) => (
  <ListSection
    view={view}
    title="Groups"
    id="groups"
    of={of}
    none="Not in any group."
    list={(groups) => (
      <Table label="Groups" heads={["Name", "Description", "Roles it gives"]}>
        {groups.map((group) => (
          <tr>
            <GroupName view={view} of={group} />
            <td>
              <Text of={group.description} max={120} />
            </td>
            <td>
              <Given of={group.roles} />
            </td>
          </tr>
        ))}
      </Table>
    )}
  />
);
