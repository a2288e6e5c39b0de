/**
 * The one door for text that others have written: Okta, a token endpoint, a sink, a channel of alerts. What they say may
 * repeat what was sent to them, so it passes here before it is stored, shown or logged. Records are data and do not pass.
 */
import { base64Of, base64UrlOf } from "./bytes.ts";

const MASK = "[redacted]";

/** A shorter text is no secret, and masking it would hide ordinary words. */
const MIN_LENGTH = 8;
/** More than any settings hold. The bound keeps the set from growing without end. */
const MOST_SETTINGS = 10_000;
/** Secrets that come and go, such as access tokens: the newest ones. */
const MOST_PASSING = 200;

const settings = new Set<string>();
let passing: readonly string[] = [];
let known: RegExp | null = null;

/** A secret as others may repeat it: as it is, in a URL, in JSON, in base64. */
const spellings = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
  base64Of(secret).replace(/=+$/, ""),
  base64UrlOf(secret),
];

/** Finds any of these texts. A longer one first, since it may contain a shorter one. A host name repeats it in lower case. */
const anyOf = (texts: readonly string[]): RegExp => {
  const escaped = [...texts]
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(escaped.join("|"), "gi");
};

const pattern = (secrets: Iterable<string>): RegExp | null => {
  const all = [...new Set([...secrets].filter((secret) => secret.length >= MIN_LENGTH).flatMap(spellings))];
  if (all.length === 0) return null;
  return anyOf(all);
};

const rebuild = (): void => {
  known = pattern([...settings, ...passing]);
};

/** Masks these values from now on. Called when the settings are read. Those of less than 8 characters are no secrets. */
export const protect = (values: readonly string[]): void => {
  const before = settings.size;
  for (const value of values) if (settings.size < MOST_SETTINGS) settings.add(value);
  if (settings.size > before) rebuild();
};

/** Masks values that are secret for a while: access tokens, and credentials that a request brings to be tried. */
export const protectForNow = (values: readonly string[]): void => {
  const fresh = values.filter((value) => !passing.includes(value) && !settings.has(value));
  if (fresh.length === 0) return;
  passing = [...fresh, ...passing].slice(0, MOST_PASSING);
  rebuild();
};

/**
 * What looks like a secret: authorization values, JWTs, private keys, Okta's API tokens, and the user info and query of a
 * URL.
 */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/\b(SSWS|[Bb]earer|DPoP|Basic|ApiKey|Splunk)\s+[A-Za-z0-9._~+/=:-]{6,}/g, `$1 ${MASK}`],
  [/\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, MASK],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(-----END [A-Z ]*PRIVATE KEY-----)?/g, MASK],
  [/\b00[A-Za-z0-9_-]{40}(?![A-Za-z0-9_-])/g, MASK],
  [/\b(https?:\/\/)[^\s/?#@"']+@/gi, `$1${MASK}@`],
  [/\b(https?:\/\/[^\s?#"']+)\?[^\s"']*/gi, `$1?${MASK}`],
];

const masked = (text: string, secrets: RegExp | null): string =>
  secrets === null ? text : text.replace(secrets, MASK);

/** Masks every known secret in a text, and everything that looks like one. */
export const redact = (text: string): string =>
  shapes.reduce((rest, [shape, replacement]) => rest.replace(shape, replacement), masked(text, known));

/** Whether a text repeats a known secret. */
export const holdsSecret = (text: string): boolean => masked(text, known) !== text;

/** How much of a text from elsewhere is looked at. */
const MOST_READ = 16_384;
const MOST_SHOWN = 300;

/**
 * Text from elsewhere, fit to be stored, shown and logged: on one line, without control characters and marks that change
 * the direction of writing, at most 300 characters, and without secrets: neither known ones nor the given ones.
 * @param secrets values that must not show; those of less than 4 characters are ignored
 */
export const presentable = (text: string, secrets: readonly string[] = []): string => {
  // A secret that straddles the cut would show its first half, so secrets go first.
  const given = secrets.filter((secret) => secret.length >= 4);
  const read = text.slice(0, MOST_READ);
  const clean = redact(masked(read, given.length === 0 ? null : anyOf(given)))
    .replace(/[\p{C}\s]+/gu, " ")
    .trim();
  return clean.length <= MOST_SHOWN ? clean : `${clean.slice(0, MOST_SHOWN - 1)}…`;
};
