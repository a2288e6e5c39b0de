/** What a list of the inventory holds, in words: its title and its filters, derived from its address. Pure. */
import { postureChecks } from "../contract/posture.ts";
import type { StreamName } from "../contract/streams.ts";
import { streams } from "../streams/index.ts";
import { spelled } from "./words.ts";

/** A filter of a list. */
export interface ListFilter {
  /** The search parameter. */
  readonly name: string;
  /** What is found, as it reads after "Users". */
  readonly words: string;
}

const mfaTitles: Readonly<Record<string, string>> = {
  enrolled: "with MFA",
  not_enrolled: "without MFA",
  unknown: "whose MFA is unknown",
};

const resistanceTitles: Readonly<Record<string, string>> = {
  true: "with MFA that resists phishing",
  false: "without MFA that resists phishing",
  unknown: "of whom it is unknown whether their MFA resists phishing",
};

const factTitles: Readonly<Record<string, string>> = {
  factors: "whose MFA factors could not be read",
  groups: "whose groups could not be read",
  roles: "whose roles could not be read",
};

const adminTitles: Readonly<Record<string, string>> = {
  true: "that are administrators",
  false: "that are no administrators",
  unknown: "of whom it is unknown whether they are administrators",
};

const managedTitles: Readonly<Record<string, string>> = {
  true: "that are managed",
  false: "that are not managed",
  unknown: "of which it is unknown whether they are managed",
};

/** By parameter, in the order of a title: its value in words; undefined if it has no such value. */
const filters: Readonly<Record<string, (value: string) => string | undefined>> = {
  admin: (value) => adminTitles[value],
  role: (value) => `with the role ${value}`,
  factor: (value) => `with the factor ${value}`,
  department: (value) => `of ${value}`,
  dormant_days: (value) => `that have not signed in for ${value} days`,
  last_login_before: (value) => `whose last sign-in was before ${value}`,
  created_after: (value) => `created after ${value}`,
  status: (value) => `that are ${spelled(value).toLowerCase()}`,
  mfa: (value) => mfaTitles[value],
  phishing_resistant: (value) => resistanceTitles[value],
  unknown: (value) => factTitles[value],
  group: () => "of a group",
  held: (value) => (value === "true" ? "whose deletion is held" : undefined),
  platform: (value) => `with ${value}`,
  compliance: (value) => `with compliance ${spelled(value).toLowerCase()}`,
  managed: (value) => managedTitles[value],
  deleted: (value) => (value === "true" ? "that are deleted" : undefined),
  q: (value) => `matching “${value}”`,
};

/** The check of posture by which a list is filtered; undefined if it is by none. */
export const checkOf = (query: URLSearchParams): (typeof postureChecks)[number] | undefined =>
  postureChecks.find(({ id }) => id === query.get("posture"));

/** The filter that says what the list is about, in place of "Users"; null if none does. */
const subjectOf = (query: URLSearchParams): ListFilter | null => {
  const check = checkOf(query);
  if (check !== undefined) return { name: "posture", words: check.title };
  return query.get("admin") === "true" ? { name: "admin", words: "Administrators" } : null;
};

/** The filters of a list that have words. */
export const filtersOf = (query: URLSearchParams): ListFilter[] => {
  const subject = subjectOf(query);
  const others = Object.entries(filters).flatMap(([name, wordsOf]) => {
    const value = query.get(name);
    const words = value === null || name === subject?.name ? undefined : wordsOf(value);
    return words === undefined ? [] : [{ name, words }];
  });
  return subject === null ? others : [subject, ...others];
};

/** The title of a list: what it holds. */
export const listTitle = (stream: StreamName, query: URLSearchParams): string => {
  const subject = subjectOf(query);
  const noun = subject?.words ?? streams[stream].words.title;
  const isDeletedFirst = query.get("deleted") === "true" && subject?.name !== "posture";
  const others = filtersOf(query).filter(
    ({ name }) => name !== subject?.name && !(isDeletedFirst && name === "deleted"),
  );
  return [isDeletedFirst ? `Deleted ${noun.toLowerCase()}` : noun, ...others.map(({ words }) => words)].join(
    " ",
  );
};
