/**
 * SINKS: judged sink by sink. A sink whose settings are wrong is refused with its name, what is wrong and what a valid
 * value looks like; the others run.
 */

import { connectionsOf } from "../config/connections.ts";
import { oncePerEnv } from "../config/once.ts";
import { sentence } from "../config/problem.ts";
import type { SettingProblem } from "../config/types.ts";
import { allowsLoopback } from "../config/values.ts";
import type { StreamIdentity } from "../contract/objects.ts";
import { isPlainObject, jsonFault, parseJson } from "../lib/json.ts";
import type { Result } from "../lib/result.ts";
import type { SinkType } from "./definition.ts";
import { sinkName } from "./settings-keys.ts";
import type { SinkContext } from "./settings-resolver.ts";
import type { ConfiguredSink, ParsedSinks, RefusedSink, SinkProblem } from "./settings-types.ts";
import { sinkTypes } from "./sinks/index.ts";

type Judged = Result<ConfiguredSink, RefusedSink>;

const refusedEntry = (
  entry: Readonly<Record<string, unknown>>,
  path: string,
  type: SinkType | undefined,
  problems: readonly SinkProblem[],
): Judged => {
  const name = sinkName.safeParse(entry["name"]).data;
  const known = name === undefined ? "place" : "name";
  return { ok: false, error: { known, name: name ?? path, type: type?.type ?? null, problems } };
};

const judge = (entry: unknown, path: string, context: SinkContext, types: readonly SinkType[]): Judged => {
  if (!isPlainObject(entry)) {
    const message = 'it is not an object; a valid one looks like {"type":"http","name":"siem",…}';
    return refusedEntry({}, path, undefined, [{ path, message }]);
  }
  const type = types.find((known) => known.type === entry["type"]);
  if (type === undefined) {
    const known = types.map((each) => each.type).join(", ");
    const message = `it is not a sink type; known types are ${known}`;
    return refusedEntry(entry, path, undefined, [{ path: `${path}.type`, message }]);
  }
  const read = type.read(entry, path, context);
  return read.ok ? read : refusedEntry(entry, path, type, read.error);
};

const unreadable = (message: string): ParsedSinks => ({
  accepted: [],
  refused: [{ known: "setting", name: "SINKS", type: null, problems: [{ path: "SINKS", message }] }],
});

const example = '[{"type":"http","name":"siem","url":"https://siem.example.com/okta"}]';

/**
 * Judges the setting SINKS.
 *
 * @param value a JSON string, or the array itself; nothing or blank means no sinks.
 * @param context where secrets and bindings are looked up.
 * @param types the types that there are.
 * @returns every sink, either configured or refused with its problems. Of several sinks with one name the first
 *   keeps it.
 */
export const parseSinks = (
  value: unknown,
  context: SinkContext,
  types: readonly SinkType[] = sinkTypes,
): ParsedSinks => {
  const isText = typeof value === "string";
  if (value === undefined || value === null || (isText && value.trim() === "")) {
    return { accepted: [], refused: [] };
  }
  const list = isText ? parseJson(value) : value;
  // The text itself is not repeated: it may hold a secret that does not belong there.
  if (isText && list === undefined)
    return unreadable(`${jsonFault(value)}; a valid value looks like ${example}`);
  if (!Array.isArray(list)) return unreadable(`it is not a JSON list; a valid value looks like ${example}`);

  const accepted: ConfiguredSink[] = [];
  const refused: RefusedSink[] = [];
  const holders = new Map<string, string>();
  for (const [index, entry] of list.entries()) {
    const path = `SINKS[${index}]`;
    const judged = judge(entry, path, context, types);
    const { name, type } = judged.ok ? judged.value : judged.error;
    const holder = holders.get(name);
    if (holder !== undefined) {
      const message = `the name "${name}" belongs to ${holder} already; give every sink a name of its own`;
      refused.push({ known: "name", name, type, problems: [{ path: `${path}.name`, message }] });
      continue;
    }
    holders.set(name, path);
    if (judged.ok) accepted.push(judged.value);
    else refused.push(judged.error);
  }
  return { accepted, refused };
};

/** Those that are for a connection. */
export const sinksFor = (
  accepted: readonly ConfiguredSink[],
  connection: string,
): readonly ConfiguredSink[] =>
  accepted.filter(({ connections }) => connections?.includes(connection) ?? true);

/** The sinks that run and take a stream's events. */
export const sinksTaking = (
  { accepted }: ParsedSinks,
  { connection, stream }: StreamIdentity,
): ConfiguredSink[] => sinksFor(accepted, connection).filter(({ streams }) => streams.includes(stream));

/** A sink's problems as those of the setting SINKS, in sentences. Nothing else puts them into words. */
export const settingProblemsOf = (problems: readonly SinkProblem[]): SettingProblem[] =>
  problems.map(({ path, message }) => ({ setting: path, message: sentence(message) }));

/** Why a sink is refused, as one text: `SINKS[1].url: It must start with https://; a valid value looks like ….` */
export const refusalText = ({ problems }: RefusedSink): string =>
  settingProblemsOf(problems)
    .map(({ setting, message }) => `${setting}: ${message}`)
    .join(" ");

/**
 * Why no sink of this name runs.
 *
 * @returns the problems of the refused sink of this name, or those of the whole setting where it is unreadable and
 *   may hold any sink; none when SINKS names no such sink, or when it runs.
 */
export const problemsOfSink = ({ refused }: ParsedSinks, name: string): SettingProblem[] => {
  const sink = refused.find((each) => each.name === name || each.known === "setting");
  return settingProblemsOf(sink?.problems ?? []);
};

/** Ids for the key `connections`: those that the settings name; undefined where an entry may name one that is not known. */
const connectionIds = (env: object): { readonly connections?: readonly string[] } => {
  const { byId, problems } = connectionsOf(env);
  return problems.length > 0 ? {} : { connections: [...byId.keys()] };
};

/** The sinks of this env, read once. */
export const sinksOf = oncePerEnv((env) =>
  parseSinks(env["SINKS"], {
    ...connectionIds(env),
    secret: (name) => {
      const value = env[name];
      return typeof value === "string" ? value : undefined;
    },
    binding: (name) => typeof env[name] === "object" && env[name] !== null,
    allowLoopback: allowsLoopback(env),
  }),
);
