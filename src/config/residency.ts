/**
 * DATA_JURISDICTION and LOCATION_HINT: where the Durable Objects are. Every one of them is reached through this file, so
 * that none comes to be anywhere else.
 */
import type { ResidencyMemory } from "../contract/connections.ts";
import { jurisdictionOf, registryObjectName } from "../contract/objects.ts";
import type { StreamApi } from "../contract/stream-api.ts";
import { log } from "../lib/log.ts";
import { oncePerEnv } from "./once.ts";
import { allOf, refused, settingProblem } from "./problem.ts";
import type { Setting } from "./types.ts";
import { type RawEnv, textOf } from "./values.ts";

const jurisdictions = ["eu", "fedramp"] as const;

/** Cloudflare's: western and eastern North America, South America, and so on. */
const locationHints = [
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "apac-ne",
  "apac-se",
  "oc",
  "afr",
  "me",
] as const satisfies readonly DurableObjectLocationHint[];

/** Where the Durable Objects are. */
export interface Residency {
  /** The region that they never leave; null: none. */
  readonly jurisdiction: (typeof jurisdictions)[number] | null;
  /** Near where they are to be made; null: near whoever asks first. */
  readonly locationHint: (typeof locationHints)[number] | null;
}

/** Whether the objects may be anywhere. */
export const isUnplaced = ({
  jurisdiction,
  locationHint,
}: { [part in keyof Residency]: string | null }): boolean => jurisdiction === null && locationHint === null;

/** One of some words; null when the setting is unset. */
const wordOf = <W extends string>(env: RawEnv, name: string, words: readonly W[]): Setting<W | null> => {
  const value = env[name];
  const text = textOf(env, name);
  const isUnset = text === null && (value === undefined || value === null || typeof value === "string");
  if (isUnset) return { ok: true, value: null };
  const word = words.find((one) => one === text);
  if (word !== undefined) return { ok: true, value: word };
  const all = `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  return refused(settingProblem(name, [`it must be ${all}, in small letters`, "leave it out for none"]));
};

/** Reads DATA_JURISDICTION and LOCATION_HINT. */
export const readResidency = (env: RawEnv): Setting<Residency> =>
  allOf({
    jurisdiction: wordOf(env, "DATA_JURISDICTION", jurisdictions),
    locationHint: wordOf(env, "LOCATION_HINT", locationHints),
  });

/** Where the settings of this env want the objects, read once. */
export const residencyOf = oncePerEnv(readResidency);

/** The name of the error about an object that must not be reached or must not work. Names survive the way between objects. */
export const MISPLACED = "MisplacedObject";

const misplaced = (message: string): Error => Object.assign(new Error(message), { name: MISPLACED });

/** What `wrangler dev` and the tests answer. Only this very failure means that there are no jurisdictions at all. */
const NO_JURISDICTIONS = "Jurisdiction restrictions are not implemented in workerd.";

/** What is needed of a binding, whatever class it is for. */
interface Namespace {
  getByName(name: string, options?: { locationHint: DurableObjectLocationHint }): unknown;
  jurisdiction(jurisdiction: DurableObjectJurisdiction): Namespace;
}

/** The part of a namespace that is in a jurisdiction; null in a runtime without any. Throws if Cloudflare refuses it. */
const partIn = (namespace: Namespace, jurisdiction: DurableObjectJurisdiction): Namespace | null => {
  try {
    return namespace.jurisdiction(jurisdiction);
  } catch (error) {
    if (error instanceof Error && error.message === NO_JURISDICTIONS) return null;
    throw error;
  }
};

let isTold = false;

/** Says once in an isolate that DATA_JURISDICTION has no effect. */
const tellWithout = (jurisdiction: string): void => {
  if (isTold) return;
  isTold = true;
  const message = "This runtime has no jurisdictions, so DATA_JURISDICTION has no effect on it.";
  log("warn", "jurisdiction_not_available", { jurisdiction, message });
};

const reach = (env: object, namespace: Namespace, name: string): unknown => {
  const residency = residencyOf(env);
  if (!residency.ok) {
    throw misplaced(residency.problems.map(({ setting, message }) => `${setting}: ${message}`).join(" "));
  }
  const { jurisdiction, locationHint } = residency.value;
  const part = jurisdiction === null ? namespace : partIn(namespace, jurisdiction);
  if (part === null && jurisdiction !== null) tellWithout(jurisdiction);
  const place = part ?? namespace;
  return locationHint === null ? place.getByName(name) : place.getByName(name, { locationHint });
};

/**
 * The Durable Object of this name, where the settings want it. Throws rather than reach one anywhere else: for wrong
 * settings, or when Cloudflare refuses the jurisdiction.
 * @example objectOf(env, env.OKTA_GATE, gateObjectName("default"))
 */
export const objectOf = <T extends Rpc.DurableObjectBranded>(
  env: object,
  namespace: DurableObjectNamespace<T>,
  name: string,
): DurableObjectStub<T> =>
  // What a namespace gives is a stub of its class; `Namespace` leaves the class out.
  reach(env, namespace, name) as DurableObjectStub<T>;

/**
 * The same, as the interface that the class of the object implements: the generated type of a binding leads through the
 * Worker's entry to whoever asks, and TypeScript cannot infer a type from itself.
 * @example objectAs<RegistryApi>(env, env.REGISTRY, registryObjectName)
 */
export const objectAs = <Api>(env: object, namespace: Namespace, name: string): Api =>
  reach(env, namespace, name) as Api;

/**
 * The Registry outside of any jurisdiction, which remembers where the others are. It must be found without knowing that, so
 * it is the one object that no setting places.
 */
export const residencyMemory = (env: Env): ResidencyMemory => {
  const { REGISTRY }: { REGISTRY: Namespace } = env;
  return REGISTRY.getByName(registryObjectName) as ResidencyMemory; // as with `objectAs`
};

/** A stream outside of any jurisdiction, where versions without these settings had all of them. */
export const unplacedStream = (env: Env, name: string): Pick<StreamApi, "holds"> => {
  const { INVENTORY_STREAM }: { INVENTORY_STREAM: Namespace } = env;
  return INVENTORY_STREAM.getByName(name) as Pick<StreamApi, "holds">; // as with `objectAs`
};

/**
 * Whether an object must rest, because it is not where the settings want the objects: they were changed after it was made,
 * or they are wrong. What it has stored stays as it is.
 */
export const isMisplaced = (env: Env, id: Pick<DurableObjectId, "jurisdiction">): boolean => {
  const residency = residencyOf(env);
  if (!residency.ok) return true;
  const wanted = residency.value.jurisdiction;
  const actual = jurisdictionOf(id);
  if (wanted === actual) return false;
  // Without jurisdictions every object is where it can be.
  return wanted === null || partIn(env.REGISTRY, wanted) !== null;
};

/** Throws if an object must rest, for calls that would reach other objects. */
export const refuseMisplaced = (env: Env, id: Pick<DurableObjectId, "jurisdiction">): void => {
  if (!isMisplaced(env, id)) return;
  throw misplaced(
    `This object is in ${nameOf(jurisdictionOf(id))}, which is not where DATA_JURISDICTION wants it. It rests until the setting is what it was.`,
  );
};

const nameOf = (jurisdiction: string | null): string =>
  jurisdiction === null ? "no jurisdiction" : `the jurisdiction ${jurisdiction}`;
