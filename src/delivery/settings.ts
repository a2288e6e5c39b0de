/**
 * SINKS: judged sink by sink, with secrets resolved. A sink that is wrong is refused with its name, what is
 * wrong and what a right value looks like; the others run.
 */

import type * as z from "zod";
import { oncePerEnv } from "../config/once.ts";
import { sentence } from "../config/problem.ts";
import type { SettingProblem } from "../config/types.ts";
import { allowsLoopback } from "../config/values.ts";
import { isPlainObject } from "../lib/json.ts";
import { resolve } from "./settings-resolve.ts";
import { sinkName, sinkShapes, sinkTypes } from "./settings-shapes.ts";
import type {
  ParsedSinks,
  RefusedSink,
  SinkContext,
  SinkProblem,
  SinkSettings,
  SinkType,
} from "./settings-types.ts";

const isSinkType = (value: unknown): value is SinkType =>
  typeof value === "string" && Object.hasOwn(sinkShapes, value);

const pathOf = (base: string, keys: readonly PropertyKey[]): string =>
  keys.reduce<string>(
    (path, key) => (typeof key === "number" ? `${path}[${key}]` : `${path}.${String(key)}`),
    base,
  );

const problemsOf = (error: z.ZodError, base: string, known: readonly string[]): SinkProblem[] =>
  error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({
          path: pathOf(base, [...issue.path, key]),
          message: `there is no such key; known keys are ${known.join(", ")}`,
        }))
      : [{ path: pathOf(base, issue.path), message: issue.message }],
  );

type Judged = { readonly accepted: SinkSettings } | { readonly refused: RefusedSink };

const judge = (value: unknown, path: string, context: SinkContext): Judged => {
  const refuse = (problems: readonly SinkProblem[]): Judged => {
    const name = isPlainObject(value) ? sinkName.safeParse(value["name"]).data : undefined;
    const type = isPlainObject(value) && isSinkType(value["type"]) ? value["type"] : null;
    return { refused: { name: name ?? path, type, problems } };
  };
  if (!isPlainObject(value)) {
    return refuse([
      { path, message: 'it is not an object; a right one looks like {"type":"http","name":"siem",…}' },
    ]);
  }
  const type = value["type"];
  if (!isSinkType(type)) {
    return refuse([
      { path: `${path}.type`, message: `it is not a sink type; known types are ${sinkTypes.join(", ")}` },
    ]);
  }
  const schema = sinkShapes[type];
  const shape = schema.safeParse(value);
  if (!shape.success) return refuse(problemsOf(shape.error, path, Object.keys(schema.shape)));
  const resolved = resolve(shape.data, path, context);
  return resolved.ok ? { accepted: resolved.value } : refuse(resolved.error);
};

const unreadable = (message: string): ParsedSinks => ({
  accepted: [],
  refused: [{ name: "SINKS", type: null, problems: [{ path: "SINKS", message }] }],
});

const example = '[{"type":"http","name":"siem","url":"https://siem.example.com/okta"}]';

/**
 * Judges the setting SINKS.
 *
 * @param value a JSON string, or the array itself; nothing or blank means no sinks.
 * @param context where secrets and bindings are looked up.
 * @returns every sink, either accepted with its secrets resolved or refused with its problems. Of several sinks
 *   with one name the first keeps it.
 */
export const parseSinks = (value: unknown, context: SinkContext): ParsedSinks => {
  if (value === undefined || value === null) return { accepted: [], refused: [] };
  let list: unknown = value;
  if (typeof value === "string") {
    if (value.trim() === "") return { accepted: [], refused: [] };
    try {
      list = JSON.parse(value);
    } catch {
      // The parser's own message quotes the text, which may hold a secret that does not belong there.
      return unreadable(`it is not valid JSON; a right value looks like ${example}`);
    }
  }
  if (!Array.isArray(list)) return unreadable(`it is not a JSON list; a right value looks like ${example}`);

  const accepted: SinkSettings[] = [];
  const refused: RefusedSink[] = [];
  const holders = new Map<string, string>();
  for (const [index, entry] of list.entries()) {
    const path = `SINKS[${index}]`;
    const judged = judge(entry, path, context);
    const name = "accepted" in judged ? judged.accepted.name : judged.refused.name;
    const holder = holders.get(name);
    if (holder !== undefined) {
      const message = `the name "${name}" belongs to ${holder} already; give every sink a name of its own`;
      const type = "accepted" in judged ? judged.accepted.type : judged.refused.type;
      refused.push({ name, type, problems: [{ path: `${path}.name`, message }] });
      continue;
    }
    holders.set(name, path);
    if ("accepted" in judged) accepted.push(judged.accepted);
    else refused.push(judged.refused);
  }
  return { accepted, refused };
};

/** A sink's problems as those of the setting SINKS. */
export const settingProblemsOf = (problems: readonly SinkProblem[]): SettingProblem[] =>
  problems.map(({ path, message }) => ({ setting: path, message: sentence(message) }));

/**
 * Why no sink of this name runs.
 *
 * @returns the problems of the refused sink of this name, or those of the whole setting where it is unreadable and
 *   may hold any sink; none when SINKS names no such sink, or when it runs.
 */
export const problemsOfSink = ({ refused }: ParsedSinks, name: string): SettingProblem[] => {
  const sink = refused.find(
    ({ name: own, problems }) => own === name || problems.some(({ path }) => path === "SINKS"),
  );
  return settingProblemsOf(sink?.problems ?? []);
};

/** The sinks of this env, read once. */
export const sinksOf = oncePerEnv((env) =>
  parseSinks(env["SINKS"], {
    secret: (name) => {
      const value = env[name];
      return typeof value === "string" ? value : undefined;
    },
    binding: (name) => typeof env[name] === "object" && env[name] !== null,
    allowLoopback: allowsLoopback(env),
  }),
);
