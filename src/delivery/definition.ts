/** What a sink type consists of. Each file in `sinks/` defines one type, and `sinks/index.ts` lists them. */
import * as z from "zod";
import type { Dialect } from "../contract/streams.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { commonKeys, type WrittenCommon } from "./settings-keys.ts";
import { Resolver, type SinkContext } from "./settings-resolver.ts";
import type { ConfiguredSink, Endpoints, SinkProblem, SinkSettings } from "./settings-types.ts";
import type { Sink, SinkTools, SnapshotWriter } from "./sink.ts";

/** The schema of a type's own keys. A function, so that `Written` can name the type of what it makes. */
const ownSchema = <Keys extends z.ZodRawShape>(keys: Keys) => z.object(keys);

/** A sink's settings as people write them: valid and with defaults, but secrets and bindings are only named. */
type Written<Keys extends z.ZodRawShape> = WrittenCommon & z.output<ReturnType<typeof ownSchema<Keys>>>;

/**
 * Everything that the rest of delivery/ knows about a sink type. No code outside `sinks/` treats one type
 * differently from another.
 *
 * @typeParam Keys the type's own keys in SINKS
 * @typeParam Own its resolved settings besides the common ones. If `streams` is among them, it replaces the common
 *   `streams`: `sekoia` leaves out streams without a connector
 */
export interface SinkDefinition<Keys extends z.ZodRawShape, Own extends object> {
  /** The type's name in SINKS. */
  readonly type: string;
  /** The dialect of its events unless the settings name one. */
  readonly dialect: Dialect;
  /** Its keys besides the common ones. Their messages say what a value must be, see SinkProblem. */
  readonly keys: Keys;
  readonly endpoints: Endpoints;
  /**
   * Looks up the secrets and bindings that the keys name, and judges URLs. Tells the resolver about anything that is
   * wrong only in combination.
   */
  readonly resolve: (written: Written<Keys>, resolver: Resolver) => Own;
  /** Makes the sink, without using the network yet. */
  readonly open: (settings: SinkSettings & Own, tools: SinkTools) => Sink;
  /** Makes a writer of snapshots, without using the network yet. Only for a type that stores whole inventories. */
  readonly snapshots?: (settings: SinkSettings & Own, tools: SinkTools) => SnapshotWriter;
}

/** A sink type as the code that reads SINKS sees it. */
export interface SinkType {
  readonly type: string;
  /**
   * Judges an entry of SINKS that has this type.
   * @param path where the entry is: `SINKS[1]`
   * @returns the sink, or everything that is wrong with its settings
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

/** Names each unknown key of a nested object by itself; unknown keys of the entry itself are found by `unknownKeys`. */
const problemsOfIssues = (issues: readonly z.core.$ZodIssue[], base: string): SinkProblem[] =>
  issues.flatMap((issue) => {
    const keys = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [key]) : [[]];
    return keys.map((key) => ({ path: pathOf(base, [...issue.path, ...key]), message: issue.message }));
  });

/** Not left to zod: two schemas judge the same entry, and each would refuse the keys of the other. */
const unknownKeys = (entry: object, known: readonly string[], base: string): SinkProblem[] =>
  Object.keys(entry)
    .filter((key) => !known.includes(key))
    .map((key) => ({
      path: pathOf(base, [key]),
      message: `there is no such key; known keys are ${known.join(", ")}`,
    }));

/** Makes a sink type from its definition. */
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
      const { name, streams, dialect, connections, changes } = common.data;
      const resolved = definition.resolve({ ...common.data, ...own.data }, resolver);
      const chosen =
        connections === undefined ? {} : { connections: resolver.connections("connections", connections) };
      if (changes === true && dialect !== "ocsf")
        resolver.refuse(
          "changes",
          `only the dialect ocsf has events of changes, and this sink has ${dialect}`,
        );
      const told = changes === true ? ({ changes } as const) : {};
      if (resolver.problems.length > 0) return err(resolver.problems);
      // A delivery stores a digest of this as JSON. If the order of the keys changed, so would the digest, and every sink
      // would seem to have new settings.
      const settings = { name, streams, dialect, type, ...resolved, ...chosen, ...told };
      return ok({
        name,
        type,
        dialect,
        streams: settings.streams,
        ...chosen,
        ...told,
        settings,
        endpoints,
        open: (tools) => open(settings, tools),
        snapshots: snapshots === undefined ? null : (tools) => snapshots(settings, tools),
      });
    },
  };
};
