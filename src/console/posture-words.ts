/** The checks of posture in words: how many of how many, what is unknown and why, and which is the gravest. Pure. */
import {
  type CheckCounts,
  type CheckId,
  checkIds,
  type PostureDocument,
  type Severity,
  severities,
} from "../contract/posture.ts";
import { counted, number, type Tone } from "./words.ts";

/** A check with what it has found. */
export type FoundCheck = PostureDocument["checks"][number];

type Noun = readonly [one: string, many: string];

const users: Noun = ["user", "users"];
const activeUsers: Noun = ["active user", "active users"];
const admins: Noun = ["administrator", "administrators"];
const activeAdmins: Noun = ["active administrator", "active administrators"];
const activeDevices: Noun = ["active device", "active devices"];

/** What a check is about. */
interface Subject {
  /** Whom it counts. */
  readonly counts: Noun;
  /** Of whom they are a part. */
  readonly of: Noun;
  /** Why it can be unknown; null: only because of exceptions. */
  readonly unknown: string | null;
}

const rolesUnknown = "their roles are not known";
const rolesOrFactorsUnknown = "their roles or their MFA factors are not known";
const factorsUnknown = "their MFA factors are not known";

const subjects: Readonly<Record<CheckId, Subject>> = {
  admin_without_mfa: { counts: admins, of: users, unknown: rolesOrFactorsUnknown },
  dormant_admin_30d: { counts: activeAdmins, of: activeUsers, unknown: rolesUnknown },
  active_without_mfa: { counts: activeUsers, of: activeUsers, unknown: factorsUnknown },
  device_of_admin_unmanaged: {
    counts: activeDevices,
    of: activeDevices,
    unknown: "it is not known who manages them or who of their users is an administrator",
  },
  admin_without_phishing_resistant_mfa: { counts: admins, of: users, unknown: rolesOrFactorsUnknown },
  new_admin_7d: { counts: admins, of: users, unknown: rolesUnknown },
  suspended_admin: { counts: admins, of: users, unknown: rolesUnknown },
  weak_mfa_only: { counts: users, of: users, unknown: factorsUnknown },
  dormant_90d: { counts: activeUsers, of: activeUsers, unknown: null },
  device_unmanaged: {
    counts: activeDevices,
    of: activeDevices,
    unknown: "Okta does not tell whether they are managed",
  },
  new_factor_24h: {
    counts: users,
    of: users,
    unknown: "their MFA factors, or when these were enrolled, are not known",
  },
  never_signed_in_30d: {
    counts: activeUsers,
    of: activeUsers,
    unknown: "Okta does not tell when they were created",
  },
  password_older_365d: { counts: activeUsers, of: activeUsers, unknown: null },
  locked_out: { counts: users, of: users, unknown: null },
  device_not_seen_90d: {
    counts: activeDevices,
    of: activeDevices,
    unknown: "Okta does not tell when they were last seen",
  },
};

const countedAs = (n: number, noun: Noun): string => counted(n, ...noun);

/**
 * What counts say:
 * - `found` it is true of somebody
 * - `clear` it is true of nobody, and that is certain
 * - `open` it is surely true of nobody, but unknown of some
 * - `unknown` it is unknown of everybody
 * - `nobody` there is nobody whom it is about
 */
type Finding = "found" | "clear" | "open" | "unknown" | "nobody";

export const findingOf = ({ count, unknown, excepted, population }: CheckCounts): Finding => {
  if (population === 0) return "nobody";
  if (count > 0) return "found";
  if (unknown === 0) return "clear";
  return unknown + excepted === population ? "unknown" : "open";
};

/** A count, large, and the words after it. */
export interface CountWords {
  readonly large: string;
  readonly rest: string;
}

/** How many of how many. What is not known is never a number. */
export const countWords = (check: FoundCheck): CountWords => {
  const { counts, of } = subjects[check.id];
  const { count, unknown, population } = check;
  const all = countedAs(population, of);
  const [one, many] = counts;
  switch (findingOf(check)) {
    case "found":
      return {
        large: number(count),
        rest: counts === of ? `of ${all}` : `${count === 1 ? one : many}, of ${all}`,
      };
    case "clear":
      return { large: "0", rest: `of ${all}` };
    case "open":
      return {
        large: `0 to ${number(unknown)}`,
        rest: counts === of ? `of ${all}` : `${unknown === 1 ? one : many}, of ${all}`,
      };
    case "unknown":
      return { large: "Unknown", rest: `of ${all}` };
    case "nobody":
      return { large: "–", rest: `There is no ${of[0]} to check.` };
  }
};

/** How many are unknown, why, and what that means; null if none are. */
export const unknownWords = (check: FoundCheck): string | null => {
  const { id, stream, unknown, exceptions } = check;
  if (unknown === 0) return null;
  const reasons = [
    subjects[id].unknown,
    exceptions.length > 0 ? "it is not known whether they are in an excepted group" : null,
  ].filter((reason) => reason !== null);
  const why = reasons.length === 0 ? "a fact is not known" : reasons.join(", or ");
  const they = unknown === 1 && stream === "devices" ? "It" : "They";
  return `${number(unknown)} unknown, because ${why}. ${they} may belong here, too.`;
};

/** How many are excepted. */
export const exceptedWords = ({ excepted, exceptions }: FoundCheck): string =>
  excepted === 0
    ? `Nobody is excepted at present by ${exceptions.length === 1 ? "this exception" : "these exceptions"}:`
    : `${number(excepted)} more ${excepted === 1 ? "is" : "are"} excepted:`;

/** What a link to the list of a check says. */
export const listWords = ({ id, count }: FoundCheck): string =>
  count === 0 ? "Show the list" : `Show ${countedAs(count, subjects[id].counts)}`;

export const severityWords: Readonly<Record<Severity, string>> = {
  high: "High severity",
  medium: "Medium severity",
  low: "Low severity",
};

const severityTones: Readonly<Record<Severity, Tone>> = { high: "bad", medium: "warn", low: "busy" };

/** The colour of a check: quiet only when it has surely found nothing. */
export const checkTone = (check: FoundCheck): Tone => {
  const finding = findingOf(check);
  return finding === "clear" || finding === "nobody" ? "mute" : severityTones[check.severity];
};

/** The colour of a check's count. What is unknown has none, and is not quiet either. */
export const countTone = (check: FoundCheck): Tone | "" =>
  findingOf(check) === "open" || findingOf(check) === "unknown" ? "" : checkTone(check);

const loudness: readonly Finding[] = ["found", "unknown", "open", "clear", "nobody"];

/**
 * The gravest ones first: by severity, by what they have found, then in the order in which the checks are told, which is of
 * gravity as well. How many they count does not matter: three administrators are worse than a hundred users.
 */
export const gravestFirst = (checks: readonly FoundCheck[]): FoundCheck[] =>
  [...checks].sort(
    (a, b) =>
      severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
      loudness.indexOf(findingOf(a)) - loudness.indexOf(findingOf(b)) ||
      checkIds.indexOf(a.id) - checkIds.indexOf(b.id),
  );

/**
 * Whether checks of high severity have findings. Null: none of them has, but that is not certain.
 */
export const gravestWords = (checks: readonly FoundCheck[]): string | null => {
  const grave = checks.filter(({ severity }) => severity === "high");
  const found = grave.filter(({ count }) => count > 0).length;
  if (found > 0)
    return `${counted(found, "check")} of high severity ${found === 1 ? "has" : "have"} findings.`;
  return grave.every((check) => findingOf(check) === "clear")
    ? "No check of high severity has findings."
    : null;
};
