/**
 * The one way to write a log line, and so the one place that redacts. A line is one JSON object; Cloudflare
 * adds the time. Pass ids, templates, codes and numbers: never query strings, identifiers of people, headers.
 */

export type LogLevel = "info" | "warn" | "error";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

const mask = "[redacted]";

/** Enough for every setting; a bound, so that nobody can make it grow. */
const maxSecrets = 10_000;
const secrets = new Set<string>();
let longestFirst: readonly string[] = [];

/** Makes every later log line mask these values. Called when settings are read. */
export const protect = (values: readonly string[]): void => {
  for (const value of values) if (value !== "" && secrets.size < maxSecrets) secrets.add(value);
  longestFirst = [...secrets].sort((a, b) => b.length - a.length);
};

/** Shapes of secrets, whoever owns them: authorization values, JWTs, private keys, user parts and queries of URLs. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/\b(SSWS|[Bb]earer|DPoP|Basic|ApiKey|Splunk)\s+[A-Za-z0-9._~+/=:-]{6,}/g, `$1 ${mask}`],
  [/\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, mask],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(-----END [A-Z ]*PRIVATE KEY-----)?/g, mask],
  [/\b(https?:\/\/)[^\s/?#@"']+@/gi, `$1${mask}@`],
  [/\b(https?:\/\/[^\s?#"']+)\?[^\s"']*/gi, `$1?${mask}`],
];

/** A text with every known secret and everything shaped like one masked. */
export const redact = (text: string): string => {
  const known = longestFirst.reduce((masked, secret) => masked.replaceAll(secret, mask), text);
  return shapes.reduce((masked, [shape, replacement]) => masked.replace(shape, replacement), known);
};

/** An exception as fields: its name, message and stack, for the log alone. */
export const errorFields = (error: unknown): LogFields =>
  error instanceof Error
    ? { error: error.name, message: error.message, stack: error.stack }
    : { error: typeof error, message: String(error) };

/** Where lines go: the console's methods become the level in Workers Logs. */
const write = (level: LogLevel, line: string): void => {
  if (level === "error") console.error(line);
  else if (level === "warn") console.warn(line);
  else console.log(line);
};

/**
 * Writes one line: `{"level", "event", …fields}`.
 * @param event what happened, as `snake_case`: the name to search for
 * @param fields may not rename `level` and `event`
 */
export const log = (level: LogLevel, event: string, fields: LogFields = {}): void => {
  const masked = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === "string" ? redact(value) : value]),
  );
  const name = { level, event: redact(event) };
  write(level, JSON.stringify({ ...name, ...masked, ...name }));
};
