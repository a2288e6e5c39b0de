import type { Result } from "../lib/result.ts";
import type { Setting, SettingProblem } from "./types.ts";

/** What is wrong with a single value, written in lower case without a full stop, as a sentence. */
export const sentence = (text: string): string => {
  const capital = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
};

export const refused = (...problems: readonly SettingProblem[]): Setting<never> => ({ ok: false, problems });

/** The judgement of a single value as a setting of this name. */
export const settingOf = <T>(setting: string, result: Result<T, string>): Setting<T> =>
  result.ok ? result : refused({ setting, message: sentence(result.error) });

/** Either every part's value, or every part's problems. */
export const allOf = <T extends Readonly<Record<string, Setting<unknown>>>>(
  parts: T,
): Setting<{ readonly [K in keyof T]: T[K] extends Setting<infer V> ? V : never }> => {
  const problems = Object.values(parts).flatMap((part) => (part.ok ? [] : part.problems));
  if (problems.length > 0) return { ok: false, problems };
  const values = Object.fromEntries(
    Object.entries(parts).flatMap(([name, part]) => (part.ok ? [[name, part.value]] : [])),
  );
  // Every part is ok here, so `values` has each part's value under its name; Object.fromEntries cannot say so.
  return {
    ok: true,
    value: values as { readonly [K in keyof T]: T[K] extends Setting<infer V> ? V : never },
  };
};
