/**
 * Jurisdictions in the local runtime, which has none. Import it before anything makes an object. The bindings of the env,
 * which the Worker's objects have as well, become ones in which an object in a jurisdiction is another one: it is stored
 * under the name `<jurisdiction>|<name>`, and sees its own name and jurisdiction in `ctx.id`, as Cloudflare tells them.
 */
import { evictAllDurableObjects, listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { DurableObject, env } from "cloudflare:workers";
import * as worker from "../../src/index.ts";

const kinds = {
  OKTA_GATE: worker.OktaGate,
  INVENTORY_STREAM: worker.InventoryStream,
  ACCOUNT_LOOKUP: worker.AccountLookup,
  SINK_DELIVERY: worker.SinkDelivery,
  REGISTRY: worker.Registry,
  ALERT_DELIVERY: worker.AlertDelivery,
} as const;
type Kind = keyof typeof kinds;
const kindNames = [
  "OKTA_GATE",
  "INVENTORY_STREAM",
  "ACCOUNT_LOOKUP",
  "SINK_DELIVERY",
  "REGISTRY",
  "ALERT_DELIVERY",
] as const;

/** How an object was reached. */
export interface Touch {
  readonly kind: Kind;
  readonly name: string;
  readonly jurisdiction: string | null;
  readonly hint: string | null;
}

const touches: Touch[] = [];

/** How objects were reached since the last call, by the Worker or by other objects. */
export const touched = (): Touch[] => touches.splice(0);

/** The Registry in which the choice is remembered. */
export const isMemory = ({ kind, jurisdiction, hint }: Touch): boolean =>
  kind === "REGISTRY" && jurisdiction === null && hint === null;

const storedName = (jurisdiction: string | null, name: string): string =>
  jurisdiction === null ? name : `${jurisdiction}|${name}`;

const real = {
  OKTA_GATE: env.OKTA_GATE,
  INVENTORY_STREAM: env.INVENTORY_STREAM,
  ACCOUNT_LOOKUP: env.ACCOUNT_LOOKUP,
  SINK_DELIVERY: env.SINK_DELIVERY,
  REGISTRY: env.REGISTRY,
  ALERT_DELIVERY: env.ALERT_DELIVERY,
};

/** A namespace, or the part of it that is in a jurisdiction. */
const namespaceOf = (kind: Kind, jurisdiction: string | null): object =>
  new Proxy(real[kind], {
    get: (target, key) => {
      if (key === "jurisdiction")
        return (inside: string) => {
          if (inside !== "eu" && inside !== "fedramp") throw new Error(`no jurisdiction ${inside}`);
          return namespaceOf(kind, inside);
        };
      if (key === "getByName")
        return (name: string, options?: { locationHint?: string }) => {
          touches.push({ kind, name, jurisdiction, hint: options?.locationHint ?? null });
          return target.getByName(storedName(jurisdiction, name));
        };
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" && key !== "constructor" ? value.bind(target) : value;
    },
  });

/** The settings that objects find which are made from now on. */
let deployed: Env | null = null;

/** Deploys settings: all objects are made anew when they are next needed. */
export const deploySettings = async (settings: Env): Promise<void> => {
  deployed = settings;
  await evictAllDurableObjects();
};

/** What `super` of the Worker's classes leads to: gives an object the id that it has at Cloudflare, and its settings. */
class Placed extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, own: Env) {
    const [jurisdiction, name] = (ctx.id.name ?? "").split("|");
    if (name !== undefined) {
      Object.defineProperty(ctx.id, "name", { value: name });
      Object.defineProperty(ctx.id, "jurisdiction", { value: jurisdiction });
    }
    super(ctx, deployed ?? own);
  }
}

/** Puts the jurisdictions in place. */
export const installJurisdictions = async (): Promise<void> => {
  // The helpers of cloudflare:test look at the bindings once, and take no others.
  await runInDurableObject(real.OKTA_GATE.getByName("unused"), () => {});
  for (const kind of kindNames) {
    Object.setPrototypeOf(kinds[kind], Placed);
    Reflect.set(env, kind, namespaceOf(kind, null));
  }
};

/** An object, without a trace in `touched`. */
export const objectIn = <K extends Kind>(kind: K, jurisdiction: string | null, name: string) =>
  real[kind].getByName(storedName(jurisdiction, name)) as ReturnType<(typeof real)[K]["getByName"]>;

/**
 * All objects that there are: where those are of which it is known how they were reached, and `unknown` for others.
 * Those of tests that ran before in the same file are among them, although their storage was emptied.
 * @param reached everything that `touched` has said
 */
export const placesOfAll = async (reached: readonly Touch[]): Promise<Set<string>> => {
  const places = new Set<string>();
  for (const kind of kindNames) {
    const namespace = real[kind];
    const known = new Map(
      reached
        .filter((touch) => touch.kind === kind)
        .map(({ jurisdiction, name }) => [
          String(namespace.idFromName(storedName(jurisdiction, name))),
          `${kind} in ${jurisdiction ?? "none"}`,
        ]),
    );
    const unused = String(namespace.idFromName("unused"));
    // Of a namespace, whatever class it is for, only the ids are read.
    for (const id of await listDurableObjectIds(Reflect.get(env, kind) as DurableObjectNamespace))
      if (String(id) !== unused) places.add(known.get(String(id)) ?? `${kind} unknown`);
  }
  return places;
};

/** The settings under which every alarm works from now on; null: those of the env. */
let alarmsUnder: Env | null = null;

/** Has the alarms of all objects work as after a deployment of other settings. */
export const alarmsWorkUnder = (settings: Env | null): void => {
  alarmsUnder = settings;
};

for (const kind of kindNames) {
  const { prototype } = kinds[kind];
  if (!("alarm" in prototype)) continue;
  const { alarm } = prototype;
  prototype.alarm = async function (this: DurableObject<Env>): Promise<void> {
    const own: unknown = Reflect.get(this, "env");
    if (alarmsUnder !== null) Reflect.set(this, "env", alarmsUnder);
    try {
      await Reflect.apply(alarm, this, []);
    } finally {
      Reflect.set(this, "env", own);
    }
  };
}
