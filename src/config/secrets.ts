/** Which values of the settings are secret, so that logs can mask them wherever they appear. */
import { isPlainObject, parseJson } from "../lib/json.ts";
import { jsonOf, listOf, type RawEnv, textOf } from "./values.ts";

/** A shorter text would mask ordinary words; no real secret is that short. */
const minSecretLength = 8;

const credentialNames = ["API_TOKEN", "PRIVATE_KEY", "HOOK_SECRET"];

/** What a setting mentions: the names of secrets, and values of headers, which may be secrets by mistake. */
interface Mentioned {
  readonly names: Set<string>;
  readonly values: Set<string>;
}

/** Adds what a setting mentions. */
const collect = (value: unknown, mentioned: Mentioned, depth = 0): void => {
  if (depth > 8) return;
  if (Array.isArray(value)) {
    for (const item of value) collect(item, mentioned, depth + 1);
    return;
  }
  if (!isPlainObject(value)) return;
  const { names, values } = mentioned;
  for (const [key, item] of Object.entries(value)) {
    if (typeof item !== "string") collect(item, mentioned, depth + 1);
    else if (key.endsWith("_secret") || key === "secret") names.add(item);
    else if (key === "secret_prefix") {
      for (const suffix of credentialNames) names.add(`${item.trim()}${suffix}`);
    }
    if (key === "headers" && isPlainObject(item))
      for (const text of Object.values(item)) if (typeof text === "string") values.add(text.trim());
  }
};

/** Shorter parts of an address are words of its maker, such as `webhook`. */
const minPartLength = 16;

/** The parts of a URL that may be secret: receivers such as Sumo Logic and Slack put tokens into paths and queries. */
export const secretPartsOf = (url: URL): string[] => [
  ...url.searchParams.values(),
  url.search,
  ...(url.pathname.length > 1
    ? [url.pathname, ...url.pathname.split("/").filter((part) => part.length >= minPartLength)]
    : []),
];

/**
 * The parts of a secret that reveal it by themselves: those of an address, but not its short paths, and what follows a
 * scheme, as in `Bearer …`.
 */
const partsOf = (text: string): string[] => {
  const [, credential] = /^\S+ (\S+)$/.exec(text) ?? [];
  if (credential !== undefined) return [credential];
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return [];
  const parts = secretPartsOf(url).filter((part) => !part.startsWith("/") || part.length >= minPartLength);
  return [url.href, ...parts];
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
  const inline = new Set<string>();
  for (const setting of ["SINKS", "CONNECTIONS", "ALERTS"]) {
    const json = jsonOf(env, setting);
    if (json.ok) collect(json.value, { names, values: inline });
  }
  const keys = listOf(env, "API_KEYS").map((item) => item.replace(/^read:\s*/i, ""));
  const apiKeys = textOf(env, "API_KEYS");
  const values = [...names].flatMap((name) => {
    const text = textOf(env, name);
    return [...piecesOf(env[name]), ...(text === null ? [] : partsOf(text))];
  });
  const all = [...values, ...inline, ...keys, ...(apiKeys === null ? [] : [apiKeys])];
  return [...new Set(all)].filter((value) => value.length >= minSecretLength);
};
