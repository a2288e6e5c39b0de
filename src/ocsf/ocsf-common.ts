/** What events share in the OCSF dialect: keys left out instead of nulls, milliseconds, observables. */
import * as z from "zod";
import { type EventContext, eventId } from "../inventory/facts.ts";
import { OCSF_VERSION, PRODUCT } from "./classes.ts";
import { filled } from "./derive.ts";

type Present<T> = { [K in keyof T as null extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as null extends T[K] ? K : never]?: Exclude<T[K], null>;
};

/** A copy without the keys whose value is null, because the OCSF schema has no null. */
export const present = <T extends object>(value: T): Present<T> => {
  const kept: Record<string, unknown> = {};
  for (const key in value) if (value[key] !== null) kept[key] = value[key];
  // The loop keeps exactly the keys that Present<T> describes, which the compiler cannot follow.
  return kept as Present<T>;
};

/** Like `present`, but null if no key is left. */
export const presentOrNull = <T extends object>(value: T): Present<T> | null => {
  for (const held of Object.values(value)) if (held !== null) return present(value);
  return null;
};

/** The smallest plausible `timestamp_t` (ms, in 1973). OCSF validators take smaller numbers for seconds. */
export const MIN_TIMESTAMP = 100_000_000_000;
/** The largest plausible `timestamp_t` (ms, in 5138). OCSF validators take larger numbers for microseconds. */
export const MAX_TIMESTAMP = 100_000_000_000_000;

/** ISO 8601 to milliseconds since the epoch; null if the text is no date between 1973 and 5138. */
export const toMillis = (iso: string | null | undefined): number | null => {
  const at = iso === null || iso === undefined ? Number.NaN : Date.parse(iso);
  return at >= MIN_TIMESTAMP && at <= MAX_TIMESTAMP ? at : null;
};

/** The pattern of OCSF's `email_t`. */
export const EMAIL = /^[a-zA-Z0-9!#$%&'*+,\-./=?^_`{|}~]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9.-]+$/;

/** The address if it matches OCSF's `email_t`, else null. */
export const emailAddress = (value: string | null | undefined): string | null =>
  value !== null && value !== undefined && EMAIL.test(value) ? value : null;

const IPV4 = z.regexes.ipv4.source;

/** An address that OCSF's `ip_t` allows, an IPv4 address in the form of IPv6 among them. `ip_t` also allows blanks around it. */
export const IP = new RegExp(`${IPV4}|^::[fF]{4}:${IPV4.slice("^".length)}|${z.regexes.ipv6.source}`);

/** The IP address if it matches OCSF's `ip_t`, else null. */
export const ipAddress = (value: string | null | undefined): string | null =>
  value !== null && value !== undefined && IP.test(value) ? value : null;

/** OCSF has no number for an Okta account, so the type is 99 (Other) with our own word. */
export const ACCOUNT_TYPE = { type: "Okta", type_id: 99 } as const;

const OBSERVABLE_TYPES = {
  hostname: { type: "Hostname", type_id: 1 },
  ip: { type: "IP Address", type_id: 2 },
  userName: { type: "User Name", type_id: 4 },
  email: { type: "Email Address", type_id: 5 },
  userUid: { type: "User Object: uid", type_id: 31 },
  groupName: { type: "Group Object: name", type_id: 32 },
  groupUid: { type: "Group Object: uid", type_id: 33 },
  accountName: { type: "Account Object: name", type_id: 34 },
  accountUid: { type: "Account Object: uid", type_id: 35 },
  serialNumber: { type: "Serial Number", type_id: 37 },
  deviceUid: { type: "Device Object: uid", type_id: 47 },
} as const;

/** A value worth searching for, and where in the event it is. */
export interface Observable {
  /** The path of the attribute that holds the value. */
  name: string;
  type: string;
  type_id: number;
  value: string;
}

/** Adds an observable, unless its attribute is not there. */
export const observe = (
  observables: Observable[],
  kind: keyof typeof OBSERVABLE_TYPES,
  name: string,
  value: string | null | undefined,
): void => {
  if (value !== null && value !== undefined) observables.push({ name, ...OBSERVABLE_TYPES[kind], value });
};

/** The status of the collection, which succeeded. `unmapped.unknown_facts` names the facts that it could not read. */
export const COLLECTED = { status: "Success", status_id: 1 } as const;

/** The event's metadata. `original_time` is the record's `lastUpdated`; `processed_time` is when it was stored. */
export const metadata = (context: EventContext, lastUpdated: string | null) =>
  present({
    version: OCSF_VERSION,
    uid: eventId(context),
    product: PRODUCT,
    tenant_uid: context.tenant,
    log_provider: "Okta",
    log_name: context.stream,
    original_time: lastUpdated,
    processed_time: context.changedAt,
    sequence: context.sequence - context.sequenceBase,
  } as const);

/** The attributes that are not blank, by Okta's names; null if there are none. */
export const remainder = (
  attributes: Readonly<Record<string, string | null | undefined>>,
): Record<string, string> | null => {
  let kept: Record<string, string> | null = null;
  for (const [key, value] of Object.entries(attributes)) {
    const said = filled(value);
    if (said === null) continue;
    kept ??= {};
    kept[key] = said;
  }
  return kept;
};
