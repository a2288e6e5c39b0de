/**
 * The only way to write a log line, which masks secrets in it. A line is one JSON object; Cloudflare adds the time. Pass
 * ids, endpoint templates, codes and numbers, but never query strings, headers or anything that identifies a person.
 */
import { redact } from "./redact.ts";

export type LogLevel = "info" | "warn" | "error";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

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
