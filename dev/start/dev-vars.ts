/** What .dev.vars says, as far as starting needs to know. */
import { parseEnv } from "node:util";

export type DevVars = ReadonlyMap<string, string>;

/** The settings of .dev.vars that are not blank. */
export const parseDevVars = (text: string): DevVars => {
  const entries = Object.entries(parseEnv(text)).flatMap(([name, value]): [string, string][] => {
    const trimmed = value?.trim() ?? "";
    return trimmed === "" ? [] : [[name, trimmed]];
  });
  return new Map(entries);
};

const orgSettings = ["OKTA_BASE_URL", "OKTA_DOMAIN", "OKTA_API_TOKEN", "OKTA_CLIENT_ID", "OKTA_PRIVATE_KEY"];

/** Whether somebody has begun to set up an org of their own; even half of it means no simulation. */
export const namesRealOrg = (vars: DevVars): boolean => orgSettings.some((name) => vars.has(name));

/** The host of the org, for naming things after it; null where the setting is missing or no URL. */
export const orgHost = (vars: DevVars): string | null => {
  const text = vars.get("OKTA_BASE_URL") ?? vars.get("OKTA_DOMAIN") ?? "";
  const url = URL.parse(text.includes("://") ? text : `https://${text}`);
  return url === null || url.host === "" ? null : url.host;
};

/** A key to call the API with: one with full rights if there is any, else a `read:` one, else null. */
export const callingKey = (vars: DevVars): string | null => {
  const keys = (vars.get("API_KEYS") ?? "")
    .split(",")
    .map((key) => key.trim())
    .filter((key) => key !== "");
  const full = keys.find((key) => !/^read:/i.test(key));
  return full ?? keys[0]?.replace(/^read:\s*/i, "") ?? null;
};

/** The text of .dev.vars with this key: in place of a blank `API_KEYS=`, else at the end. */
export const withApiKey = (text: string, key: string): string => {
  const blank = /^[ \t]*(?:export[ \t]+)?API_KEYS[ \t]*=[ \t]*(?:""|'')?[ \t]*$/m;
  if (blank.test(text)) return text.replace(blank, () => `API_KEYS=${key}`);
  const before = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  return `${before}API_KEYS=${key}\n`;
};
