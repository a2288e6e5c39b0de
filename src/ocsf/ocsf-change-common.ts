/** What the events of all changes share in the OCSF dialect, whatever their class. */
import type { Change, ChangeField } from "../contract/changes.ts";
import { eventId } from "../inventory/facts.ts";
import { isPlainObject } from "../lib/json.ts";
import { type Activity, classify } from "./change-classes.ts";
import { ChangedFields, told } from "./change-fields.ts";
import { messageOf } from "./change-message.ts";
import { type SecurityMeaning, securityMeaning, severityOf } from "./change-security.ts";
import { OCSF_VERSION, PRODUCT } from "./classes.ts";
import type { OcsfActor, OcsfChangeUnmapped } from "./ocsf-change-schemas.ts";
import { emailAddress, ipAddress, type Observable, observe, present, toMillis } from "./ocsf-common.ts";

/** Everything that the event of a change says beyond the change. */
export interface ChangeContext {
  readonly connection: string;
  /** The org's origin without scheme, for example `example.okta.com`. */
  readonly tenant: string;
  /** The number before the inventory's first one. */
  readonly sequenceBase: number;
  /** When the change was stored, ms since the epoch. */
  readonly storedAt: number;
  /** Whether the change's id is that of a group. */
  readonly isGroup: boolean;
  /** What the asset or the group is called, as far as it is known now. */
  readonly subject: {
    readonly name: string | null;
    readonly login: string | null;
    readonly email: string | null;
  };
}

/** A change, and what has been read out of it. */
export interface ReadChange {
  readonly change: Change;
  readonly context: ChangeContext;
  readonly fields: ChangedFields;
  readonly meaning: SecurityMeaning;
}

/** Reads a change. */
export const readChange = (change: Change, context: ChangeContext): ReadChange => {
  const fields = new ChangedFields(change.fields);
  return { change, context, fields, meaning: securityMeaning(change, fields) };
};

/** Okta's word for its own doings. */
const SYSTEM_PRINCIPAL = "SystemPrincipal";

/**
 * The type of an actor. Okta's `User` does not say whether it is an administrator, so it is not OCSF's "User", which is a
 * regular one: it stays Okta's own word, as all others do but that of Okta itself.
 */
const actorType = (type: string | null) => {
  if (type === null) return null;
  if (type === SYSTEM_PRINCIPAL) return { type: "System", type_id: 3 } as const;
  return type === "Other" ? ({ type_id: 99 } as const) : ({ type, type_id: 99 } as const);
};

/** Who made the change; null if no log event tells. OCSF needs an id or a login. */
const actorOf = ({ actor }: Change): OcsfActor | null => {
  if (actor === null) return null;
  const uid = told(actor.id);
  const name = told(actor.login);
  if (uid === null && name === null) return null;
  return {
    user: present({
      uid,
      name,
      display_name: told(actor.name),
      email_addr: emailAddress(name),
      ...actorType(told(actor.type)),
    }),
  };
};

/** Where the request came from; null if the log does not tell, or not as an IP address. */
const endpointOf = ({ actor }: Change): { ip: string } | null => {
  const ip = ipAddress(actor?.ip);
  return ip === null ? null : { ip };
};

const metadataOf = (change: Change, context: ChangeContext) => {
  const [newest] = change.events;
  return present({
    version: OCSF_VERSION,
    uid: eventId({ ...change, connection: context.connection, assetId: change.id }),
    event_code: newest?.type ?? null,
    product: PRODUCT,
    tenant_uid: context.tenant,
    log_provider: "Okta",
    log_name: change.stream,
    original_time: newest?.published ?? null,
    processed_time: context.storedAt,
    sequence: change.sequence - context.sequenceBase,
    correlation_uid: eventId({
      ...change,
      connection: context.connection,
      assetId: change.id,
      sequence: change.first_sequence,
    }),
  } as const);
};

/** A copy of a JSON value without nulls, at any depth. */
const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.filter((entry) => entry !== null).map(withoutNulls);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, held]) => held !== null && held !== undefined)
      .map(([key, held]) => [key, withoutNulls(held)]),
  );
};

/** A value as text, so that a field of every change is of one type, whatever it is about: objects and the like are JSON. */
const asText = (value: unknown): string | null => {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
};

const textField = (field: ChangeField): ChangeField =>
  "added" in field
    ? { field: field.field, added: field.added.map(asText), removed: field.removed.map(asText) }
    : { field: field.field, before: asText(field.before), after: asText(field.after) };

/** What OCSF has no attribute for: all that the change says of its fields, and the log events that told of it. */
export const unmappedOf = ({ fields, events, source }: Change): OcsfChangeUnmapped =>
  // Only nulls are gone, and where the schema of a change allows null, this one allows that the key is absent.
  withoutNulls({ changes: fields.map(textField), log_events: events, source }) as OcsfChangeUnmapped;

/** A change that has happened was a success, whatever brought it about. */
const SUCCESS = { status: "Success", status_id: 1 } as const;

/**
 * The attributes of every event of a change. `time` is when it happened; if that is not a time that OCSF allows, when it
 * was stored.
 */
export const frameOf = <C extends { readonly class_name: string; readonly class_uid: number }>(
  { change, context, fields, meaning }: ReadChange,
  of: C,
  activity: Activity,
) => ({
  ...classify(of, activity),
  ...severityOf(change, fields, meaning),
  time: toMillis(change.at) ?? context.storedAt,
  ...SUCCESS,
  message: messageOf(change, fields, { meaning, subject: context.subject, isGroup: context.isGroup }),
  metadata: metadataOf(change, context),
  actor: actorOf(change),
  src_endpoint: endpointOf(change),
});

/** Adds what is worth searching for after the change, unless the same is there from before it. */
export const observeResult = (observables: Observable[], result: readonly Observable[]): void => {
  const before = new Set(observables.map(({ type_id, value }) => `${type_id} ${value}`));
  observables.push(...result.filter(({ type_id, value }) => !before.has(`${type_id} ${value}`)));
};

/** Adds what is worth searching for about whoever made the change. */
export const observeAuthor = (
  observables: Observable[],
  { actor, src_endpoint }: Pick<ReturnType<typeof frameOf>, "actor" | "src_endpoint">,
): void => {
  observe(observables, "userUid", "actor.user.uid", actor?.user.uid);
  observe(observables, "userName", "actor.user.name", actor?.user.name);
  observe(observables, "email", "actor.user.email_addr", actor?.user.email_addr);
  observe(observables, "ip", "src_endpoint.ip", src_endpoint?.ip);
};
