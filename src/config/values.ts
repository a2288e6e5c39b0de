/** Reading single values of env. No problem repeats a value, which may be a secret. */
import { jsonFault, parseJson } from "../lib/json.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { type Clauses, settingOf, validLooksLike } from "./problem.ts";
import type { Setting } from "./types.ts";

/** The settings as the Worker gets them: text, or whatever JSON wrangler.toml holds, and the bindings. */
export type RawEnv = Readonly<Record<string, unknown>>;

/** A var or secret as trimmed text; null when it is unset or blank. Numbers and booleans become text. */
export const textOf = (env: RawEnv, name: string): string | null => {
  const value = env[name];
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "string") return null;
  const text = value.trim();
  return text === "" ? null : text;
};

interface JsonProblem {
  readonly code: "not_json";
  /** What is wrong, as a phrase. */
  readonly fault: string;
}

/** What is wrong with a var that should hold JSON like this example, in words. */
export const notJson = ({ fault }: JsonProblem, example: string): Clauses => [fault, validLooksLike(example)];

/**
 * A var that holds JSON, as text or already parsed by wrangler.
 * @returns the JSON value, null when the var is unset or blank; or what is wrong
 */
export const jsonOf = (env: RawEnv, name: string): Result<unknown, JsonProblem> => {
  const value = env[name];
  if (value === undefined || value === null) return ok(null);
  if (typeof value !== "string") return ok(value);
  const text = value.trim();
  if (text === "") return ok(null);
  const json = parseJson(text);
  return json === undefined ? err({ code: "not_json", fault: jsonFault(text) }) : ok(json);
};

export interface NumberRule {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** Refuse `min` itself. */
  readonly aboveMin?: boolean;
  readonly whole?: boolean;
}

interface NumberProblem {
  readonly code: "out_of_range";
  readonly rule: NumberRule;
}

const describeNumber = ({ rule }: NumberProblem): Clauses => {
  const kind = rule.whole === true ? "a whole number" : "a number";
  const range =
    rule.aboveMin === true ? `above ${rule.min} and at most ${rule.max}` : `from ${rule.min} to ${rule.max}`;
  return [`it must be ${kind} ${range}`, validLooksLike(String(rule.default))];
};

const inRange = (value: number, rule: NumberRule): boolean =>
  (rule.aboveMin === true ? value > rule.min : value >= rule.min) && value <= rule.max;

const parseNumber = (env: RawEnv, name: string, rule: NumberRule): Result<number, NumberProblem> => {
  const text = textOf(env, name);
  if (text === null) {
    const value = env[name];
    return value === undefined || value === null || typeof value === "string"
      ? ok(rule.default)
      : err({ code: "out_of_range", rule });
  }
  const pattern = rule.whole === true ? /^\d{1,15}$/ : /^(\d{1,15}(\.\d{1,15})?|\.\d{1,15})$/;
  const value = pattern.test(text) ? Number(text) : Number.NaN;
  return inRange(value, rule) ? ok(value) : err({ code: "out_of_range", rule });
};

/** A plain decimal number within its bounds; the default when unset. `1e3`, `0x10`, `5s` and blanks inside are refused. */
export const numberSetting = (env: RawEnv, name: string, rule: NumberRule): Setting<number> =>
  settingOf(name, parseNumber(env, name, rule), describeNumber);

interface FlagProblem {
  readonly code: "not_a_flag";
}

const notAFlag: Clauses = ["it must be true or false", "leave it out for false"];

const parseFlag = (env: RawEnv, name: string): Result<boolean, FlagProblem> => {
  const text = textOf(env, name)?.toLowerCase();
  if (text === undefined || text === "false") return ok(false);
  return text === "true" ? ok(true) : err({ code: "not_a_flag" });
};

/** `true` or `false`; false when unset. */
export const flagSetting = (env: RawEnv, name: string): Setting<boolean> =>
  settingOf(name, parseFlag(env, name), () => notAFlag);

/** ALLOW_LOOPBACK; an invalid value allows nothing. */
export const allowsLoopback = (env: RawEnv): boolean => {
  const flag = parseFlag(env, "ALLOW_LOOPBACK");
  return flag.ok && flag.value;
};

/** Visible ASCII without blanks: what an HTTP header can carry. */
export const isHeaderSafe = (text: string): boolean => /^[\x21-\x7e]+$/.test(text);

/** A comma-separated list, trimmed, without empty items. A JSON list of texts is accepted as well. */
export const listOf = (env: RawEnv, name: string): readonly string[] => {
  const value = env[name];
  const items = Array.isArray(value)
    ? value.filter((item) => typeof item === "string")
    : (textOf(env, name)?.split(",") ?? []);
  return items.map((item) => item.trim()).filter((item) => item !== "");
};
