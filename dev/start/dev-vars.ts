/** What `npm start` needs to know of .dev.vars. */
import { parseEnv } from "node:util";

export type DevVars = ReadonlyMap<string, string>;

/** The settings in .dev.vars that are not blank. */
export const parseDevVars = (text: string): DevVars => {
  const entries = Object.entries(parseEnv(text)).flatMap(([name, value]): [string, string][] => {
    const trimmed = value?.trim() ?? "";
    return trimmed === "" ? [] : [[name, trimmed]];
  });
  return new Map(entries);
};

const orgSettings = ["OKTA_BASE_URL", "OKTA_DOMAIN", "OKTA_API_TOKEN", "OKTA_CLIENT_ID", "OKTA_PRIVATE_KEY"];

/** Whether .dev.vars has any setting of a real org. Even an incomplete one means that no org is simulated. */
export const namesRealOrg = (vars: DevVars): boolean => orgSettings.some((name) => vars.has(name));

/** The host of the org, to name things after it; null when the setting is missing or not a URL. */
export const orgHost = (vars: DevVars): string | null => {
  const text = vars.get("OKTA_BASE_URL") ?? vars.get("OKTA_DOMAIN") ?? "";
  const url = URL.parse(text.includes("://") ? text : `https://${text}`);
  return url === null || url.host === "" ? null : url.host;
};

/** A key to call the API with: one with full rights, else one with `read:`, else null. */
export const callingKey = (vars: DevVars): string | null => {
  const keys = (vars.get("API_KEYS") ?? "")
    .split(",")
    .map((key) => key.trim())
    .filter((key) => key !== "");
  const full = keys.find((key) => !/^read:/i.test(key));
  return full ?? keys[0]?.replace(/^read:\s*/i, "") ?? null;
};

/** The text of .dev.vars with this key added: in a blank `API_KEYS=`, else at the end. */
export const withApiKey = (text: string, key: string): string => {
  const blank = /^[ \t]*(?:export[ \t]+)?API_KEYS[ \t]*=[ \t]*(?:""|'')?[ \t]*$/m;
  if (blank.test(text)) return text.replace(blank, () => `API_KEYS=${key}`);
  const before = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  return `${before}API_KEYS=${key}\n`;
};

/** A setting on one line, or on several between quotes. */
const QUOTED =
  /^[ \t]*(?:export[ \t]+)?[\w.-]+[ \t]*=[ \t]*(?:'[^']*'|"(?:\\.|[^"\\])*"|`[^`]*`)[ \t]*(?:#.*)?$/gm;
const LINE = /^[ \t]*(?:#.*|(?:export[ \t]+)?[\w.-]+[ \t]*=.*)?$/;

/**
 * The numbers of the lines of .dev.vars that belong to no setting, from 1. They are what is left of a value of several
 * lines that has no quotes around it, or those of TOML.
 */
export const strayLines = (text: string): number[] => {
  const rest = text.replaceAll("\r\n", "\n").replace(QUOTED, (setting) => setting.replace(/[^\n]/g, ""));
  return rest.split("\n").flatMap((line, index) => (LINE.test(line) ? [] : [index + 1]));
};

/** What `strayLines` found, in words; null if nothing. */
export const strayProblem = (text: string): string | null => {
  const [first, ...others] = strayLines(text);
  if (first === undefined) return null;
  const lines =
    others.length === 0
      ? `Line ${first} of .dev.vars belongs to no setting and is not read.`
      : `Lines of .dev.vars belong to no setting and are not read: line ${first} and ${others.length} more.`;
  return `${lines} Put single quotes around a value of several lines: SINKS='[ ... ]'`;
};
