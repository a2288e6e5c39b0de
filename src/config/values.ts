/** Reading single values out of env. Nothing here repeats a value in a problem: it may be a secret. */
import { err, ok, type Result } from "../lib/result.ts";

/** The settings as the Worker gets them: text, or whatever JSON wrangler.toml held; bindings are in there too. */
export type RawEnv = Readonly<Record<string, unknown>>;

/** A var or secret as trimmed text; null when it is unset or blank. Numbers and booleans become text. */
export const textOf = (env: RawEnv, name: string): string | null => {
  const value = env[name];
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "string") return null;
  const text = value.trim();
  return text === "" ? null : text;
};

/**
 * A var that holds JSON, as text or already parsed by wrangler; null when it is unset or blank.
 * @returns the JSON value, or what is wrong
 */
export const jsonOf = (env: RawEnv, name: string): Result<unknown, string> => {
  const value = env[name];
  if (value === undefined || value === null) return ok(null);
  if (typeof value !== "string") return ok(value);
  const text = value.trim();
  if (text === "") return ok(null);
  try {
    return ok(JSON.parse(text));
  } catch {
    return err("it is not JSON (names and text stand in double quotes, no comma after the last item)");
  }
};

export interface NumberRule {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** Refuse `min` itself. */
  readonly aboveMin?: boolean;
  readonly whole?: boolean;
}

const inRange = (value: number, rule: NumberRule): boolean =>
  (rule.aboveMin === true ? value > rule.min : value >= rule.min) && value <= rule.max;

/** A plain decimal number within its bounds; the default when unset. `1e3`, `0x10`, `5s` and blanks inside are refused. */
export const numberOf = (env: RawEnv, name: string, rule: NumberRule): Result<number, string> => {
  const text = textOf(env, name);
  if (text === null) {
    const value = env[name];
    return value === undefined || value === null || typeof value === "string"
      ? ok(rule.default)
      : err(numberMessage(rule));
  }
  const pattern = rule.whole === true ? /^\d{1,15}$/ : /^(\d{1,15}(\.\d{1,15})?|\.\d{1,15})$/;
  const value = pattern.test(text) ? Number(text) : Number.NaN;
  return inRange(value, rule) ? ok(value) : err(numberMessage(rule));
};

const numberMessage = (rule: NumberRule): string => {
  const kind = rule.whole === true ? "a whole number" : "a number";
  const range =
    rule.aboveMin === true ? `above ${rule.min} and at most ${rule.max}` : `from ${rule.min} to ${rule.max}`;
  return `it must be ${kind} ${range}; a right value looks like ${rule.default}`;
};

/** `true` or `false`; false when unset. */
export const flagOf = (env: RawEnv, name: string): Result<boolean, string> => {
  const text = textOf(env, name)?.toLowerCase();
  if (text === undefined || text === "false") return ok(false);
  return text === "true" ? ok(true) : err("it must be true or false; leave it out for false");
};

/** ALLOW_LOOPBACK, where a wrong value allows nothing. */
export const allowsLoopback = (env: RawEnv): boolean => {
  const flag = flagOf(env, "ALLOW_LOOPBACK");
  return flag.ok && flag.value;
};

/** A comma-separated list, trimmed, without empty items. A JSON list of text is taken as well. */
export const listOf = (env: RawEnv, name: string): readonly string[] => {
  const value = env[name];
  const items = Array.isArray(value)
    ? value.filter((item) => typeof item === "string")
    : (textOf(env, name)?.split(",") ?? []);
  return items.map((item) => item.trim()).filter((item) => item !== "");
};
