/** The entries of CONNECTIONS, judged one by one and then beside each other. */
import { isPlainObject } from "../lib/json.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { BaseUrlJudge } from "./base-url-settings.ts";
import { type Clauses, refused, settingOf, settingProblem, validLooksLike } from "./problem.ts";
import type { Setting, SettingProblem } from "./types.ts";

/** A valid value of CONNECTIONS. */
export const connectionsExample =
  '[{"id": "acme", "base_url": "https://acme.okta.com", "secret_prefix": "ACME_"}]';

type EntryProblem =
  | { readonly code: "not_an_object" | "unknown_keys" | "no_base_url" }
  | { readonly code: "id_missing" | "id_invalid" | "id_reserved" | "id_twice" }
  | { readonly code: "prefix_missing" | "prefix_invalid" | "prefix_shared" };

const entryKeys = ["id", "base_url", "secret_prefix"];

const idRule =
  "an id has 1 to 64 letters, digits, underscores or hyphens, begins with a letter or digit, is unique, and is not default";
const prefixRule =
  "a prefix has upper-case letters, digits and underscores, like ACME_ for the secret ACME_API_TOKEN";

const wordsOfProblems: Readonly<Record<EntryProblem["code"], Clauses>> = {
  not_an_object: ["it is not an object", validLooksLike(connectionsExample)],
  unknown_keys: ["it has unknown keys", `the keys are ${entryKeys.join(", ")}`],
  no_base_url: ["it is missing", validLooksLike("https://acme.okta.com")],
  id_missing: ["it is missing", idRule],
  id_invalid: ["it is not valid", idRule],
  id_reserved: ["it is taken", idRule],
  id_twice: ["it occurs twice", idRule],
  prefix_missing: ["it is missing", prefixRule],
  prefix_invalid: ["it is not valid", prefixRule],
  prefix_shared: [
    "another connection has it too, and one org's credential must not go to another",
    prefixRule,
  ],
};

const describeEntry = ({ code }: EntryProblem): Clauses => wordsOfProblems[code];

const entryProblem = (setting: string, code: EntryProblem["code"]): SettingProblem =>
  settingProblem(setting, describeEntry({ code }));

/** An entry that names a connection. */
export interface ConnectionEntry {
  readonly id: string;
  /** `CONNECTIONS[0]`. */
  readonly path: string;
  readonly baseUrl: Setting<string>;
  readonly secretPrefix: Setting<string>;
  /** What else is wrong with the entry. */
  readonly problems: readonly SettingProblem[];
}

/** What belongs to the default connection and to no entry. `secretPrefix` is null while that connection is not in use. */
export interface Reserved {
  readonly id: string;
  readonly secretPrefix: string | null;
}

/** What an id looks like. */
export const connectionIdPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

const parseId = (value: unknown, reserved: Reserved): Result<string, EntryProblem> => {
  if (value === undefined) return err({ code: "id_missing" });
  const id = typeof value === "string" ? value.trim() : "";
  if (!connectionIdPattern.test(id)) return err({ code: "id_invalid" });
  return id === reserved.id ? err({ code: "id_reserved" }) : ok(id);
};

const parsePrefix = (value: unknown): Result<string, EntryProblem> => {
  if (value === undefined) return err({ code: "prefix_missing" });
  const prefix = typeof value === "string" ? value.trim() : "";
  return /^[A-Z][A-Z0-9_]{0,63}$/.test(prefix) ? ok(prefix) : err({ code: "prefix_invalid" });
};

const readEntry = (
  raw: unknown,
  path: string,
  judge: BaseUrlJudge,
  reserved: Reserved,
): Result<ConnectionEntry, SettingProblem> => {
  if (!isPlainObject(raw)) return err(entryProblem(path, "not_an_object"));
  const { id: givenId, base_url: url, secret_prefix: prefix } = raw;
  const id = parseId(givenId, reserved);
  if (!id.ok) return err(entryProblem(`${path}.id`, id.error.code));
  const isKnown = (key: string): boolean => entryKeys.includes(key);
  return ok({
    id: id.value,
    path,
    baseUrl:
      typeof url === "string"
        ? judge(`${path}.base_url`, url)
        : refused(entryProblem(`${path}.base_url`, "no_base_url")),
    secretPrefix: settingOf(`${path}.secret_prefix`, parsePrefix(prefix), describeEntry),
    problems: Object.keys(raw).every(isKnown) ? [] : [entryProblem(path, "unknown_keys")],
  });
};

const prefixOf = ({ secretPrefix }: ConnectionEntry): string | null =>
  secretPrefix.ok ? secretPrefix.value : null;

/** What two entries must not share: the credential of one org must not go to another by mistake. */
const sharedProblems = (
  entry: ConnectionEntry,
  others: readonly ConnectionEntry[],
  reserved: Reserved,
): SettingProblem[] => {
  const prefix = prefixOf(entry);
  const sharesPrefix = prefix !== null && [reserved.secretPrefix, ...others.map(prefixOf)].includes(prefix);
  return [
    ...(others.some((other) => other.id === entry.id) ? [entryProblem(`${entry.path}.id`, "id_twice")] : []),
    ...(sharesPrefix ? [entryProblem(`${entry.path}.secret_prefix`, "prefix_shared")] : []),
  ];
};

/**
 * Reads the entries of CONNECTIONS.
 * @returns the entries that name a connection, in their order, and what is wrong with the others
 */
export const readEntries = (
  list: readonly unknown[],
  judge: BaseUrlJudge,
  reserved: Reserved,
): { readonly entries: readonly ConnectionEntry[]; readonly problems: readonly SettingProblem[] } => {
  const read = list.map((raw, index) => readEntry(raw, `CONNECTIONS[${index}]`, judge, reserved));
  const entries = read.flatMap((entry) => (entry.ok ? [entry.value] : []));
  return {
    entries: entries.map((entry) => {
      const others = entries.filter((other) => other !== entry);
      return { ...entry, problems: [...sharedProblems(entry, others, reserved), ...entry.problems] };
    }),
    problems: read.flatMap((entry) => (entry.ok ? [] : [entry.error])),
  };
};
