/** A person before and after a change, as far as the change tells. */
import type { Side } from "./change-fields.ts";
import { emailDomain, filled } from "./derive.ts";
import type { ReadChange } from "./ocsf-change-common.ts";
import type { OcsfChangedUser } from "./ocsf-change-schemas.ts";
import {
  ACCOUNT_TYPE,
  emailAddress,
  type Observable,
  observe,
  present,
  presentOrNull,
} from "./ocsf-common.ts";

const USER = { type: "User", type_id: 1 } as const;
const ADMIN = { type: "Admin", type_id: 2 } as const;

/** The attributes of a person other than name and address, on one side of the change. */
const attributesOf = ({ fields }: ReadChange, side: Side) => {
  const isAdmin = fields.flag("is_admin", side);
  const organization = fields.text("organization", side);
  return {
    phone_number: fields.text("primary_phone", side),
    has_mfa: fields.flag("mfa_enrolled", side),
    ...(isAdmin !== null && (isAdmin ? ADMIN : USER)),
    org:
      organization === null
        ? null
        : present({ name: organization, ou_name: fields.text("department", side) }),
    ldap_person: presentOrNull({
      given_name: fields.text("first_name", side),
      surname: fields.text("last_name", side),
      job_title: fields.text("title", side),
      employee_uid: fields.text("employee_number", side),
      cost_center: fields.text("cost_center", side),
      phone_number: fields.text("mobile_phone", side),
    }),
  };
};

/** The person on one side of the change. A name or address that has not changed is as it is known now. */
const userOn = (read: ReadChange, side: Side): OcsfChangedUser => {
  const { change, context, fields } = read;
  const { subject } = context;
  const now = (field: string, known: string | null) =>
    fields.has(field) ? fields.text(field, side) : filled(known);
  const name = now("login", subject.login);
  const email = now("email", subject.email);
  const status = fields.text("status", side);
  return present({
    uid: change.id,
    name,
    display_name: now("display_name", subject.name ?? change.name),
    email_addr: emailAddress(email),
    domain: emailDomain(email),
    ...attributesOf(read, side),
    account: present({
      uid: change.id,
      name,
      ...ACCOUNT_TYPE,
      labels: status === null ? null : [status],
    }),
  });
};

/** The person that the change was made to: as before it, or, if there was nothing before, as after it. */
export const targetUser = (read: ReadChange): OcsfChangedUser => {
  const { kind } = read.change;
  return userOn(read, kind === "created" || kind === "restored" ? "after" : "before");
};

/** The fields that the event's user shows. */
const SHOWN: ReadonlySet<string> = new Set([
  "login",
  "email",
  "display_name",
  "status",
  "primary_phone",
  "mfa_enrolled",
  "is_admin",
  "organization",
  "first_name",
  "last_name",
  "title",
  "employee_number",
  "cost_center",
  "mobile_phone",
]);

/** The person after the change; null if the change is of nothing that the event's user shows. */
export const changedUser = (read: ReadChange): OcsfChangedUser | null =>
  read.fields.hasAny(SHOWN) ? userOn(read, "after") : null;

/** What is worth searching for about a person. @param path where in the event the person is */
export const userObservables = (path: string, user: OcsfChangedUser): Observable[] => {
  const observables: Observable[] = [];
  observe(observables, "userUid", `${path}.uid`, user.uid);
  observe(observables, "userName", `${path}.name`, user.name);
  observe(observables, "email", `${path}.email_addr`, user.email_addr);
  observe(observables, "accountUid", `${path}.account.uid`, user.account.uid);
  observe(observables, "accountName", `${path}.account.name`, user.account.name);
  return observables;
};
