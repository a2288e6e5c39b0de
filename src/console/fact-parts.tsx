/** The facts of a person that are read apart from the person: each with its age, or why it is not known. */
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
  forbidden: "Okta does not let this credential read it",
  failed: "the last reading failed; the next run tries again",
} as const;

/** When a fact was read; or why it is not known, and what was known last. */
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
          ; shown as read <Time at={of.last.at} now={now} />
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

/** A name with what is to be said of it; a status only when it is not the usual one. */
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

export const Factors: FC<{ view: View; of: Fact<readonly OktaFactor[]> }> = ({ view, of }) => (
  <ListSection
    view={view}
    title="MFA factors"
    id="factors"
    of={of}
    none="None enrolled."
    list={(factors) => (
      <ul class="tags">
        {factors.map((factor) => (
          <Tag name={factorName(factor)} status={factor.status}>
            <Text of={factor.provider} max={24} none="" />
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
    none="None."
    list={(roles) => (
      <ul class="tags">
        {roles.map((role) => (
          <Tag name={role.label ?? spelled(role.type)} status={role.status}>
            {role.assignmentType === "GROUP" ? "through a group" : "direct"}
          </Tag>
        ))}
      </ul>
    )}
  />
);

/** The roles that a group gives. */
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
    none="In none."
    list={(groups) => (
      <Table label="Groups" heads={["Name", "Description", "Gives the roles"]}>
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
