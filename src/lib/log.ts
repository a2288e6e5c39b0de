/**
 * The only way to write a log line, and therefore the only place that redacts. A line is one JSON object; Cloudflare
 * adds the time. Pass ids, endpoint templates, codes and numbers, but never query strings, headers or anything that
 * identifies a person.
 */

export type LogLevel = "info" | "warn" | "error";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

const mask = "[redacted]";

/** More than any settings hold. The bound keeps the set from growing without end. */
const maxSecrets = 10_000;
const secrets = new Set<string>();
let longestFirst: readonly string[] = [];

/** Masks these values in every later log line. Called when the settings are read. */
export const protect = (values: readonly string[]): void => {
  for (const value of values) if (value !== "" && secrets.size < maxSecrets) secrets.add(value);
  longestFirst = [...secrets].sort((a, b) => b.length - a.length);
};

/** What looks like a secret: authorization values, JWTs, private keys, and the user info and query of a URL. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/\b(SSWS|[Bb]earer|DPoP|Basic|ApiKey|Splunk)\s+[A-Za-z0-9._~+/=:-]{6,}/g, `$1 ${mask}`],
  [/\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, mask],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(-----END [A-Z ]*PRIVATE KEY-----)?/g, mask],
  [/\b(https?:\/\/)[^\s/?#@"']+@/gi, `$1${mask}@`],
  [/\b(https?:\/\/[^\s?#"']+)\?[^\s"']*/gi, `$1?${mask}`],
];

/** Masks every known secret in a text, and everything that looks like one. */
export const redact = (text: string): string => {
  const known = longestFirst.reduce((masked, secret) => masked.replaceAll(secret, mask), text);
  return shapes.reduce((masked, [shape, replacement]) => masked.replace(shape, replacement), known);
};

/** A thrown value as log fields: the name, message and stack of an Error. Only for the log: they may hold secrets. */
export const errorFields = (error: unknown): LogFields =>
  error instanceof Error
    ? { error: error.name, message: error.message, stack: error.stack }
    : { error: typeof error, message: String(error) };

/** Workers Logs takes a line's level from the console method that wrote it. */
const write = (level: LogLevel, line: string): void => {
  if (level === "error") console.error(line);
  else if (level === "warn") console.warn(line);
  else console.log(line);
};

/**
 * Writes one line: `{"level", "event", …fields}`.
 * @param event what happened, in `snake_case`: the name to search the log for
 * @param fields fields named `level` or `event` are ignored
 */
export const log = (level: LogLevel, event: string, fields: LogFields = {}): void => {
  const masked = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === "string" ? redact(value) : value]),
  );
  const name = { level, event: redact(event) };
  write(level, JSON.stringify({ ...name, ...masked, ...name }));
};
