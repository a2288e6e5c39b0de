/** The checks of posture: which they are, and the documents that tell of them. */
import * as z from "zod";
import { streamNames } from "./streams.ts";

export const severities = ["high", "medium", "low"] as const;
export type Severity = (typeof severities)[number];

/**
 * Every check, the gravest ones first. Of users, a check is about people who are neither deleted nor DEPROVISIONED; those
 * whose title says so are about ACTIVE ones alone. Of devices, it is about ACTIVE ones.
 */
export const postureChecks = [
  { id: "admin_without_mfa", stream: "users", severity: "high", title: "Administrators without MFA" },
  {
    id: "dormant_admin_30d",
    stream: "users",
    severity: "high",
    title: "Active administrators who have not signed in for 30 days",
  },
  { id: "active_without_mfa", stream: "users", severity: "high", title: "Active users without MFA" },
  {
    id: "device_of_admin_unmanaged",
    stream: "devices",
    severity: "high",
    title: "Active devices of administrators that are not managed",
  },
  {
    id: "admin_without_phishing_resistant_mfa",
    stream: "users",
    severity: "medium",
    title: "Administrators without phishing-resistant MFA",
  },
  {
    id: "new_admin_7d",
    stream: "users",
    severity: "medium",
    title: "Administrators who got a role in the last 7 days",
  },
  { id: "suspended_admin", stream: "users", severity: "medium", title: "Suspended administrators" },
  {
    id: "weak_mfa_only",
    stream: "users",
    severity: "medium",
    title: "Users whose factors are all text messages, calls, e-mails or questions",
  },
  {
    id: "dormant_90d",
    stream: "users",
    severity: "medium",
    title: "Active users who have not signed in for 90 days",
  },
  {
    id: "device_unmanaged",
    stream: "devices",
    severity: "medium",
    title: "Active devices that are not managed",
  },
  {
    id: "new_factor_24h",
    stream: "users",
    severity: "low",
    title: "Users who enrolled a factor in the last 24 hours",
  },
  {
    id: "never_signed_in_30d",
    stream: "users",
    severity: "low",
    title: "Active users created more than 30 days ago who have never signed in",
  },
  {
    id: "password_older_365d",
    stream: "users",
    severity: "low",
    title: "Active users whose password is older than 365 days",
  },
  { id: "locked_out", stream: "users", severity: "low", title: "Locked out users" },
  {
    id: "device_not_seen_90d",
    stream: "devices",
    severity: "low",
    title: "Active devices that were not seen for 90 days",
  },
] as const satisfies readonly {
  id: string;
  stream: (typeof streamNames)[number];
  severity: Severity;
  title: string;
}[];

export type CheckId = (typeof postureChecks)[number]["id"];
type CheckOf<S> = Extract<(typeof postureChecks)[number], { readonly stream: S }>["id"];
export type UserCheck = CheckOf<"users">;
export type DeviceCheck = CheckOf<"devices">;

const [first, ...others] = postureChecks.map(({ id }): CheckId => id);
/** The ids of all checks. */
export const checkIds: readonly [CheckId, ...CheckId[]] = [first ?? "admin_without_mfa", ...others];

/** What a check has found. Nobody is counted twice: `count`, `unknown` and `excepted` are parts of `population`. */
export interface CheckCounts {
  /** Of how many the check is true, those of `excepted` left out. */
  readonly count: number;
  /** Of how many an unknown fact leaves it open. */
  readonly unknown: number;
  /** Of how many it is true who are members of a group that is excepted from it. */
  readonly excepted: number;
  /** How many it is about. */
  readonly population: number;
}

/** The counts of one stream's checks. */
export type CountsByCheck = Readonly<Partial<Record<CheckId, CheckCounts>>>;

/** The counts at the end of a day's last successful run. */
export interface PosturePoint {
  /** The day in UTC: 2026-01-31. */
  readonly day: string;
  /** When they were counted, ms since the epoch. */
  readonly at: number;
  readonly checks: CountsByCheck;
}

/** An exception in force. */
export interface ExceptionInForce {
  readonly check: CheckId;
  readonly groupId: string;
  /** Null if no such group is known. */
  readonly group: string | null;
  /** ISO 8601; null if it does not end. */
  readonly until: string | null;
  readonly reason: string;
}

/** What a check says of one asset; checks that are false of it are left out. */
export interface CheckOfAsset {
  readonly id: CheckId;
  /** Null: an unknown fact leaves it open. */
  readonly holds: true | null;
  /** Whether it is true of the asset, but a group of POSTURE_EXCEPTIONS is excepted. Null: it is not known. */
  readonly isExcepted: boolean | null;
}

/** What one stream tells of its posture. */
export interface StreamPosture {
  /** When it was counted, ms since the epoch. */
  readonly at: number;
  readonly checks: CountsByCheck;
  readonly exceptions: readonly ExceptionInForce[];
  /** One point a day, the oldest first; empty unless it was asked for. */
  readonly trend: readonly PosturePoint[];
}

const count = z.number().int();
const time = z.iso.datetime();

const trendPointSchema = z.object({
  day: z.iso.date(),
  count,
  unknown: count,
  excepted: count,
  population: count,
});

export const postureCheckSchema = z.object({
  id: z.enum(checkIds),
  title: z.string(),
  severity: z.enum(severities),
  stream: z.enum(streamNames),
  count: count.meta({ description: "Of how many it is true. Those who are excepted are left out." }),
  unknown: count.meta({
    description:
      "Of how many an unknown fact leaves it open. They are part of `population`, never of `count`.",
  }),
  excepted: count.meta({
    description: "Of how many it is true who are members of a group that POSTURE_EXCEPTIONS excepts.",
  }),
  population: count.meta({ description: "How many it is about." }),
  search: z.string().meta({ description: "The path that lists them: its `total` is `count`." }),
  exceptions: z
    .array(
      z.object({
        group_id: z.string(),
        group: z.string().nullable().meta({ description: "Null if no such group is known." }),
        until: time.nullable(),
        reason: z.string(),
      }),
    )
    .meta({ description: "The exceptions in force." }),
  trend: z
    .array(trendPointSchema)
    .optional()
    .meta({
      description:
        "With `include=trend`: one point a day (UTC) on which a run succeeded, the oldest first, 90 at most. Each is of the end " +
        "of the day's last run.",
    }),
});

export const postureSchema = z.object({
  as_of: time.meta({ description: "When it was counted." }),
  checks: z.array(postureCheckSchema).meta({ description: "The gravest ones first." }),
});
export type PostureDocument = z.infer<typeof postureSchema>;
