/** From facts to the answer of the public contract, and the schemas that document it. Pure. */
import * as z from "zod";
import { changeSchema } from "../contract/changes.ts";
import type { LinkedDevices } from "../inventory/api.ts";
import { countsAsMfa, factorName, resistsPhishing } from "../okta/factor-names.ts";
import {
  type Account,
  type AccountFact,
  type ActiveFactor,
  type ActiveRole,
  type FoundAccount,
  labelsOf,
  type MissingReason,
} from "./account.ts";
import { verdicts } from "./rules.ts";

const text = z.string().nullable();
const names = z.array(z.string()).nullable();

const factorSchema = z.object({
  name: z.string(),
  provider: text,
  enrolled_at: text,
  last_updated: text,
});

export const roleSchema = z.object({
  label: z.string(),
  type: text,
  assignment: z.enum(["user", "group"]).nullable(),
  group: text.meta({
    description:
      "The group that gives the role, by its name, or by its id where the name is unknown; null where Okta does not say which.",
  }),
  assigned_at: text,
  resource_set: text.meta({ description: "The id of the resource set that a custom role is limited to." }),
});

const deviceSchema = z.object({
  id: z.string(),
  name: text,
  platform: text.meta({ example: "macOS" }),
  managed: z.boolean().nullable().meta({ description: "Null if it is unknown." }),
});

export const extractedSchema = z
  .object({
    status: text.meta({ description: "Null only in answers for a past moment." }),
    created: text,
    last_login: text,
    groups: names,
    mfa_enrolled: z.boolean().nullable(),
    mfa_factors: names,
    is_admin: z.boolean().nullable(),
    department: text,
    title: text,
    user_id: z.string(),
    login: text,
    email: text,
    display_name: text,
    admin_roles: names,
    password_changed: text,
    manager: text,
    mfa_factors_detail: z.array(factorSchema).nullable(),
    newest_factor_at: text.meta({ description: "When the newest of these factors was enrolled." }),
    phishing_resistant: z.boolean().nullable().meta({
      description: "Whether one of these factors is webauthn, u2f or fastpass.",
    }),
    admin_roles_detail: z.array(roleSchema).nullable(),
    realm_id: text,
    user_type: text.meta({ description: "The id of the user's type." }),
    attributes: z.record(z.string(), z.unknown()).meta({
      description:
        "The custom attributes that PROFILE_ATTRIBUTES names, null where one is not set. Until it has been read, one that the setting has just named is absent.",
    }),
    devices: z.array(deviceSchema).nullable().meta({
      description:
        "The devices that are linked to the account, by name, from the inventory: as they were when the last run of the devices stream ended.",
    }),
  })
  .meta({
    description:
      "What Okta says about the account. Null means unknown (then named in `incomplete`) or not set.",
  });
export type Extracted = z.infer<typeof extractedSchema>;

/** The fields of the one account that an answer is about; null if it is about none. */
export const oneIn = ({ extracted }: { readonly extracted: Extracted | object }): Extracted | null =>
  // Answers about no account have no fields at all.
  "user_id" in extracted ? (extracted as Extracted) : null;

const incompleteSchema = z.object({
  field: z.string().meta({ description: "A name in `extracted`.", example: "mfa_factors" }),
  reason: z.string().meta({ description: "A code, like `rate_limited`.", example: "rate_limited" }),
  message: z.string(),
  last_known: z.unknown().meta({ description: "The last known value; null if there is none." }),
  last_known_at: z.iso.datetime().nullable().meta({ description: "When Okta said so." }),
});
type Incomplete = z.infer<typeof incompleteSchema>;

/** A rule that unknown fields leave open. */
export const undecidedSchema = z.object({
  rule: z.string().meta({ description: "The rule's position.", example: "rules[1]" }),
  unknown: z.array(z.string()).readonly(),
});

const asOf = z.iso.datetime().nullable();

const errorSchema = z.object({
  code: z.string().meta({ example: "rate_limited" }),
  message: z.string(),
  retry_after: z
    .number()
    .int()
    .optional()
    .meta({ description: "Seconds until asking again makes sense; absent when waiting does not help." }),
});

export const oktaAnswerSchema = z.object({
  success: z.boolean().meta({ description: "False when nothing could be found out; `error` says why." }),
  found: z.boolean().nullable().meta({ description: "Null when the look-up failed." }),
  extracted: z.union([extractedSchema, z.object({})]),
  verdict: z.enum(verdicts).nullable().meta({ description: "By MALICE_RULES; null when no rule gives one." }),
  verdict_undecided: z.array(undecidedSchema).optional().meta({
    description: "The rules that unknown fields leave open, so that `verdict` is their `unknown_verdict`.",
  }),
  incomplete: z
    .array(incompleteSchema)
    .meta({ description: "Fields of `extracted` that could not be read." }),
  cached: z.boolean().meta({ description: "It was read earlier, for another request." }),
  stale: z.boolean().meta({ description: "Okta cannot be asked now: this is what was known last." }),
  stale_reason: z
    .object({ code: z.string(), message: z.string() })
    .optional()
    .meta({ description: "Why Okta cannot be asked." }),
  enriched_at: z.iso.datetime().nullable().meta({
    description: "The oldest time in `facts_as_of`, apart from `devices`.",
  }),
  facts_as_of: z
    .object({
      status: asOf,
      groups: asOf,
      mfa: asOf,
      roles: asOf,
      devices: z.iso.datetime().optional().meta({
        description:
          "When the run of the devices stream ended of which `devices` tells; absent while they are unknown.",
      }),
    })
    .optional()
    .meta({
      description: "When Okta said what; null for what could not be read. Absent without an account.",
    }),
  matches: z
    .array(z.string())
    .optional()
    .meta({ description: "The logins of all accounts that the name fits, when it fits several." }),
  message: z.string().optional().meta({ description: "What to do about `matches`." }),
  as_of: z.iso
    .datetime()
    .optional()
    .meta({ description: "The moment that was asked for with `at`: this is what was so then." }),
  recent_changes: z.array(changeSchema).nullable().optional().meta({
    description:
      "With `include=history`: the last 10 changes, newest first; null if the inventory does not know the account.",
  }),
  error: errorSchema.optional(),
});
export type OktaAnswer = z.infer<typeof oktaAnswerSchema>;

/** Where an answer comes from. `at` is when Okta said so, ms since the epoch. */
export interface Provenance {
  readonly at: number;
  readonly cached: boolean;
  readonly stale: boolean;
  /** Why it is stale. */
  readonly reason?: MissingReason;
}

/** ISO 8601 in whole seconds, as the contract shows it. */
const isoSeconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, -".000Z".length)}Z`;

/** Short names of the factors that count as MFA, each once, sorted. */
const mfaNames = (counting: readonly ActiveFactor[]): string[] =>
  [...new Set(counting.map(factorName))].sort();

/** The factors that count as MFA, by name, then in the order in which they were enrolled. */
const factorDetails = (counting: readonly ActiveFactor[]): z.infer<typeof factorSchema>[] =>
  counting
    .map((factor) => ({
      name: factorName(factor),
      provider: factor.provider,
      enrolled_at: factor.created,
      last_updated: factor.lastUpdated,
    }))
    .sort((a, b) => (sortKey(a.name, a.enrolled_at) < sortKey(b.name, b.enrolled_at) ? -1 : 1));

const sortKey = (...parts: readonly (string | null)[]): string => JSON.stringify(parts);

/** The newest of the times; null if there is none, or if one of them is not known. */
const newestOf = (times: readonly (string | null)[]): string | null =>
  times.reduce(
    (newest, time) =>
      newest === null || time === null ? null : Date.parse(time) > Date.parse(newest) ? time : newest,
    times[0] ?? null,
  );

/** Roles as answers tell them. */
export const roleDetails = (roles: readonly ActiveRole[]): z.infer<typeof roleSchema>[] =>
  roles.map(({ label, type, assignment, group, assignedAt, resourceSet }) => ({
    label,
    type,
    assignment,
    group,
    assigned_at: assignedAt,
    resource_set: resourceSet,
  }));

/** By name, then by id. Those without a name come first. */
const inOrder = (devices: LinkedDevices["devices"]): z.infer<typeof deviceSchema>[] =>
  devices
    .map(({ id, name, platform, managed }) => ({ id, name, platform, managed }))
    .sort((a, b) => {
      const [one, other] = [a.name ?? "", b.name ?? ""];
      if (one !== other) return one < other ? -1 : 1;
      return a.id < b.id ? -1 : 1;
    });

/** How the extracted fields are made of facts that can be unknown. */
const derived = (ignored: readonly string[]) => {
  const counting = (factors: readonly ActiveFactor[]) =>
    factors.filter((factor) => countsAsMfa(factor, ignored));
  return {
    groups: (groups: readonly string[]) => [...groups],
    mfa_enrolled: (factors: readonly ActiveFactor[]) => counting(factors).length > 0,
    mfa_factors: (factors: readonly ActiveFactor[]) => mfaNames(counting(factors)),
    is_admin: (roles: readonly ActiveRole[]) => roles.length > 0,
    admin_roles: labelsOf,
    mfa_factors_detail: (factors: readonly ActiveFactor[]) => factorDetails(counting(factors)),
    newest_factor_at: (factors: readonly ActiveFactor[]) =>
      newestOf(counting(factors).map(({ created }) => created)),
    phishing_resistant: (factors: readonly ActiveFactor[]) => counting(factors).some(resistsPhishing),
    admin_roles_detail: roleDetails,
  };
};

interface Extraction {
  readonly extracted: Extracted;
  readonly incomplete: Incomplete[];
}

/**
 * The fields of an account, and those that could not be read.
 * @param mfaIgnored lower-case factor types that do not count as MFA (setting MFA_IGNORED_FACTORS)
 */
export const extract = (account: Account, mfaIgnored: readonly string[]): Extraction => {
  const incomplete: Incomplete[] = [];
  const field = <T, U>(name: string, fact: AccountFact<T>, map: (value: T) => U): U | null => {
    if (fact.state === "known") return map(fact.value);
    const { reason, last } = fact;
    incomplete.push({
      field: name,
      reason: reason.code,
      message: reason.message,
      last_known: last === undefined ? null : map(last.value),
      last_known_at: last === undefined ? null : isoSeconds(last.at),
    });
    return null;
  };
  const make = derived(mfaIgnored);
  const extracted = {
    status: account.status,
    created: account.created,
    last_login: account.lastLogin,
    groups: field("groups", account.groups, make.groups),
    mfa_enrolled: field("mfa_enrolled", account.factors, make.mfa_enrolled),
    mfa_factors: field("mfa_factors", account.factors, make.mfa_factors),
    is_admin: field("is_admin", account.adminRoles, make.is_admin),
    department: account.department,
    title: account.title,
    user_id: account.id,
    login: account.login,
    email: account.email,
    display_name: account.displayName,
    admin_roles: field("admin_roles", account.adminRoles, make.admin_roles),
    password_changed: account.passwordChanged,
    manager: account.manager,
    mfa_factors_detail: field("mfa_factors_detail", account.factors, make.mfa_factors_detail),
    newest_factor_at: field("newest_factor_at", account.factors, make.newest_factor_at),
    phishing_resistant: field("phishing_resistant", account.factors, make.phishing_resistant),
    admin_roles_detail: field("admin_roles_detail", account.adminRoles, make.admin_roles_detail),
    realm_id: account.realmId,
    user_type: account.userType,
    attributes: { ...account.attributes },
    devices: field("devices", account.devices, inOrder),
  };
  return { extracted, incomplete };
};

const readAtOf = (fact: AccountFact<unknown>): number | null => (fact.state === "known" ? fact.at : null);

/** When each fact was read, ms since the epoch. @param at when the answer was made */
const timesOf = (account: Account, at: number) => ({
  status: account.readAt ?? at,
  groups: readAtOf(account.groups),
  mfa: readAtOf(account.factors),
  roles: readAtOf(account.adminRoles),
});

/** The answer to a look-up that succeeded; the verdict is filled in afterwards. */
export const answerFor = (
  found: FoundAccount,
  from: Provenance,
  mfaIgnored: readonly string[],
): OktaAnswer => {
  const { cached, stale, reason } = from;
  const frame = {
    verdict: null,
    cached,
    stale,
    ...(reason !== undefined && { stale_reason: reason }),
    enriched_at: isoSeconds(from.at),
  };
  if (found.found === "one") {
    const times = timesOf(found.account, from.at);
    const iso = (at: number | null): string | null => (at === null ? null : isoSeconds(at));
    return {
      success: true,
      found: true,
      ...extract(found.account, mfaIgnored),
      ...frame,
      enriched_at: isoSeconds(Math.min(...Object.values(times).filter((at) => at !== null))),
      facts_as_of: {
        status: isoSeconds(times.status),
        groups: iso(times.groups),
        mfa: iso(times.mfa),
        roles: iso(times.roles),
        ...(found.account.devices.state === "known" && { devices: isoSeconds(found.account.devices.at) }),
      },
    };
  }
  const none = { success: true, found: false, extracted: {}, incomplete: [], ...frame };
  if (found.found === "none") return none;
  const message = `${found.logins.length} accounts match; ask again with one of their logins`;
  return { ...none, matches: [...found.logins], message };
};

/** The names of the fields that could not be read. */
export const unreadIn = ({ incomplete }: OktaAnswer): ReadonlySet<string> =>
  new Set(incomplete.map(({ field }) => field));

/** Why nothing could be found out. `retryAt`: when asking again makes sense, ms since the epoch; null if unknown. */
export interface LookupFailure {
  readonly code: string;
  readonly message: string;
  readonly retryAt: number | null;
}

/** What soon passes by itself, so that the caller is told when to ask again. */
const passing: ReadonlySet<string> = new Set(["rate_limited", "timeout", "overloaded"]);

/** The wait when nothing says how long it takes. */
const RETRY_AFTER_SECONDS = 5;

/**
 * 503 for what passes by itself (rate limit, timeout) and for an org that is not the connection's, 502 for faults of
 * Okta or the credential.
 */
export const failureStatus = ({ code }: LookupFailure): 502 | 503 =>
  passing.has(code) || code === "org_changed" ? 503 : 502;

/** Seconds until asking again makes sense; null when waiting alone does not help. */
export const retryAfter = (failure: LookupFailure, now: number): number | null => {
  if (failure.retryAt !== null) return Math.max(1, Math.ceil((failure.retryAt - now) / 1000));
  return passing.has(failure.code) ? RETRY_AFTER_SECONDS : null;
};

/** The answer when nothing could be found out. */
export const failureAnswer = (failure: LookupFailure, now: number): OktaAnswer => {
  const seconds = retryAfter(failure, now);
  return {
    success: false,
    found: null,
    extracted: {},
    verdict: null,
    incomplete: [],
    cached: false,
    stale: false,
    enriched_at: null,
    error: {
      code: failure.code,
      message: failure.message,
      ...(seconds !== null && { retry_after: seconds }),
    },
  };
};
