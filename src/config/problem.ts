/** From what is wrong with a value to the words that people read, and from single settings to several. */
import type { Result } from "../lib/result.ts";
import type { Setting, SettingProblem } from "./types.ts";

/**
 * What is wrong with a value, in words: clauses in lower case without a full stop. The first says what is wrong, the
 * others what a valid value looks like or what to do. They never repeat the value, which may be a secret.
 */
export type Clauses = readonly [string, ...string[]];

/** The clause that shows a valid value. */
export const validLooksLike = (example: string): string => `a valid value looks like ${example}`;

/** The message about a field of a request: one phrase in lower case, without a full stop. */
export const phrase = (clauses: Clauses): string => clauses.join("; ");

/** A phrase as a sentence. */
export const sentence = (text: string): string => {
  const capital = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
};

/** The message about a setting: each clause is a sentence. */
export const sentences = (clauses: Clauses): string => clauses.map(sentence).join(" ");

/** What is wrong with a setting of this name. */
export const settingProblem = (setting: string, clauses: Clauses): SettingProblem => ({
  setting,
  message: sentences(clauses),
});

export const refused = (...problems: readonly SettingProblem[]): Setting<never> => ({ ok: false, problems });

/** A judged value as the setting of this name. */
export const settingOf = <T, P>(
  setting: string,
  judged: Result<T, P>,
  describe: (problem: P) => Clauses,
): Setting<T> => (judged.ok ? judged : refused(settingProblem(setting, describe(judged.error))));

/** What is wrong with a setting; nothing when it is valid. */
export const problemsOf = (setting: Setting<unknown>): readonly SettingProblem[] =>
  setting.ok ? [] : setting.problems;

/** Either every part's value, or every part's problems. */
export const allOf = <T extends Readonly<Record<string, Setting<unknown>>>>(
  parts: T,
): Setting<{ readonly [K in keyof T]: T[K] extends Setting<infer V> ? V : never }> => {
  const problems = Object.values(parts).flatMap(problemsOf);
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
