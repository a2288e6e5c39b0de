/** Which values of the settings are secret, so that logs can mask them wherever they appear. */
import { isPlainObject, parseJson } from "../lib/json.ts";
import { jsonOf, listOf, type RawEnv, textOf } from "./values.ts";

/** A shorter text would mask ordinary words; no real secret is that short. */
const minSecretLength = 8;

const credentialNames = ["API_TOKEN", "PRIVATE_KEY", "HOOK_SECRET"];

/** Adds the names of secrets that a setting mentions. */
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
    else if (key === "secret_prefix") {
      for (const suffix of credentialNames) names.add(`${item.trim()}${suffix}`);
    }
  }
};

/** The whole value, the items of a list, the lines of a PEM and the members of a JWK: each alone reveals the secret. */
export const piecesOf = (value: unknown): string[] => {
  if (isPlainObject(value)) return Object.values(value).flatMap(piecesOf);
  if (typeof value !== "string") return [];
  const text = value.trim();
  const lines = text
    .split(/\r?\n|\\n|,/)
    .map((line) => line.trim())
    .filter((line) => !line.startsWith("-----"));
  if (!text.startsWith("{")) return [text, ...lines];
  const jwk = parseJson(text);
  return [text, ...(isPlainObject(jwk) ? Object.values(jwk).flatMap(piecesOf) : lines)];
};

/** Every secret value in the settings, and the parts of keys that are as good as the key itself. */
export const secretsOf = (env: RawEnv): readonly string[] => {
  const names = new Set(credentialNames.map((suffix) => `OKTA_${suffix}`));
  for (const setting of ["SINKS", "CONNECTIONS", "ALERTS"]) {
    const json = jsonOf(env, setting);
    if (json.ok) collectNames(json.value, names);
  }
  const keys = listOf(env, "API_KEYS").map((item) => item.replace(/^read:\s*/i, ""));
  const apiKeys = textOf(env, "API_KEYS");
  const values = [...names].flatMap((name) => piecesOf(env[name]));
  const all = [...values, ...keys, ...(apiKeys === null ? [] : [apiKeys])];
  return [...new Set(all)].filter((value) => value.length >= minSecretLength);
};
