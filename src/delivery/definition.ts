/** How a sink type is defined: a file of `sinks/` holds the definition, and `sinks/index.ts` registers it. */
import * as z from "zod";
import type { Dialect } from "../contract/streams.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { commonKeys, type WrittenCommon } from "./settings-keys.ts";
import { Resolver, type SinkContext } from "./settings-resolver.ts";
import type { ConfiguredSink, Endpoints, SinkProblem, SinkSettings } from "./settings-types.ts";
import type { Sink, SinkTools, SnapshotWriter } from "./sink.ts";

const ownSchema = <Keys extends z.ZodRawShape>(keys: Keys) => z.object(keys);

/** A sink's settings as people write them: valid and with defaults, but secrets and bindings are only named. */
type Written<Keys extends z.ZodRawShape> = WrittenCommon & z.output<ReturnType<typeof ownSchema<Keys>>>;

/**
 * Everything that a type is. The rest of delivery/ asks nothing else about it, and never for its name.
 *
 * @typeParam Keys its keys in SINKS
 * @typeParam Own its resolved settings besides the common ones; `streams` among them narrows the common one
 */
export interface SinkDefinition<Keys extends z.ZodRawShape, Own extends object> {
  /** What SINKS calls it. */
  readonly type: string;
  /** The dialect of its events where the settings name none. */
  readonly dialect: Dialect;
  /** Its keys besides the common ones; their messages say what a value must be, see SinkProblem. */
  readonly keys: Keys;
  readonly endpoints: Endpoints;
  /** Resolves what the keys name, and has the resolver refuse what is wrong only in combination. */
  readonly resolve: (written: Written<Keys>, resolver: Resolver) => Own;
  /** Makes the sink, without using the network yet. */
  readonly open: (settings: SinkSettings & Own, tools: SinkTools) => Sink;
  /** Makes what keeps whole inventories, for a type that keeps them. */
  readonly snapshots?: (settings: SinkSettings & Own, tools: SinkTools) => SnapshotWriter;
}

/** A sink type as the reader of SINKS knows it. */
export interface SinkType {
  readonly type: string;
  /**
   * Judges an entry of SINKS that has this type.
   * @param path of the entry: `SINKS[1]`
   */
  readonly read: (
    entry: object,
    path: string,
    context: SinkContext,
  ) => Result<ConfiguredSink, readonly SinkProblem[]>;
}

const pathOf = (base: string, keys: readonly PropertyKey[]): string =>
  keys.reduce<string>(
    (path, key) => (typeof key === "number" ? `${path}[${key}]` : `${path}.${String(key)}`),
    base,
  );

const problemsOfIssues = (issues: readonly z.core.$ZodIssue[], base: string): SinkProblem[] =>
  issues.flatMap((issue) => {
    const keys = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [key]) : [[]];
    return keys.map((key) => ({ path: pathOf(base, [...issue.path, ...key]), message: issue.message }));
  });

const unknownKeys = (entry: object, known: readonly string[], base: string): SinkProblem[] =>
  Object.keys(entry)
    .filter((key) => !known.includes(key))
    .map((key) => ({
      path: pathOf(base, [key]),
      message: `there is no such key; known keys are ${known.join(", ")}`,
    }));

/** Makes a type of its definition. */
export const defineSink = <Keys extends z.ZodRawShape, Own extends object>(
  definition: SinkDefinition<Keys, Own>,
): SinkType => {
  const { type, endpoints, open, snapshots } = definition;
  const commonSchema = z.object(commonKeys(type, definition.dialect));
  const schema = ownSchema(definition.keys);
  const known = [...Object.keys(commonSchema.shape), ...Object.keys(definition.keys)];
  return {
    type,
    read: (entry, path, context) => {
      const common = commonSchema.safeParse(entry);
      const own = schema.safeParse(entry);
      const unknown = unknownKeys(entry, known, path);
      if (!common.success || !own.success || unknown.length > 0) {
        const issues = [...(common.error?.issues ?? []), ...(own.error?.issues ?? [])];
        return err([...problemsOfIssues(issues, path), ...unknown]);
      }
      const resolver = new Resolver(path, context);
      const { name, streams, dialect } = common.data;
      const resolved = definition.resolve({ ...common.data, ...own.data }, resolver);
      if (resolver.problems.length > 0) return err(resolver.problems);
      // A delivery stores a digest of this JSON: keys in another order would look like other settings.
      const settings = { name, streams, dialect, type, ...resolved };
      return ok({
        name,
        type,
        dialect,
        streams: settings.streams,
        settings,
        endpoints,
        open: (tools) => open(settings, tools),
        snapshots: snapshots === undefined ? null : (tools) => snapshots(settings, tools),
      });
    },
  };
};
