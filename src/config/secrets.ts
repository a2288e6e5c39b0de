/** Which values of the settings are secret, so that logs can mask them wherever they turn up. */
import { isPlainObject } from "../lib/json.ts";
import { jsonOf, listOf, type RawEnv, textOf } from "./values.ts";

/** Shorter texts would mask innocent words; no real secret is that short. */
const minSecretLength = 8;

const collectNames = (value: unknown, names: Set<string>, depth = 0): void => {
  if (depth > 8) return;
  if (Array.isArray(value)) {
    for (const item of value) collectNames(item, names, depth + 1);
    return;
  }
  if (!isPlainObject(value)) return;
  for (const [key, item] of Object.entries(value)) {
    if (typeof item !== "string") collectNames(item, names, depth + 1);
    else if (key.endsWith("_secret")) names.add(item);
    else if (key === "secret_prefix") for (const suffix of credentialNames) names.add(`${item}${suffix}`);
  }
};

const credentialNames = ["API_TOKEN", "PRIVATE_KEY"];

/** The whole value, the lines of a PEM and the members of a JWK: any of them alone gives the secret away. */
const pieces = (value: unknown): string[] => {
  if (isPlainObject(value)) return Object.values(value).flatMap(pieces);
  if (typeof value !== "string") return [];
  const text = value.trim();
  const lines = text.split(/\r?\n|\\n/).filter((line) => !line.startsWith("-----"));
  if (!text.startsWith("{")) return [text, ...lines];
  try {
    const jwk: unknown = JSON.parse(text);
    return isPlainObject(jwk) ? [text, ...Object.values(jwk).flatMap(pieces)] : [text];
  } catch {
    return [text, ...lines];
  }
};

/** Every secret value in the settings, and the parts of keys that are as good as the key. */
export const secretsOf = (env: RawEnv): readonly string[] => {
  const names = new Set(credentialNames.map((suffix) => `OKTA_${suffix}`));
  for (const setting of ["SINKS", "CONNECTIONS"]) {
    const json = jsonOf(env, setting);
    if (json.ok) collectNames(json.value, names);
  }
  const keys = listOf(env, "API_KEYS").map((item) => item.replace(/^read:\s*/i, ""));
  const apiKeys = textOf(env, "API_KEYS");
  const values = [...names].flatMap((name) => pieces(env[name]));
  const all = [...values, ...keys, ...(apiKeys === null ? [] : [apiKeys])];
  return [...new Set(all)].filter((value) => value.length >= minSecretLength);
};
