/** Loads what earlier versions have stored into fresh Durable Objects, and compares what comes of it. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import {
  type Answer,
  readState,
  requestOf,
  type StoredObject,
  type StoredState,
} from "../../dev/fixtures/format.ts";
import type { RunDocument } from "../../src/contract/status.ts";
import { type StreamName, streamNames } from "../../src/contract/streams.ts";
import { isPlainObject } from "../../src/lib/json.ts";
import {
  call,
  differences,
  expectedDevices,
  expectedUsers,
  inventory,
  type Json,
  newestById,
  partOf,
  partsOf,
  sync,
  TestOrg,
  untilIdle,
} from "../support/org.ts";
import { aheadOf, followClock, startClock, stopClock } from "./stored-versions-clock.ts";

declare global {
  interface ImportMeta {
    /** Vite's own: the contents of the files that match. */
    glob<T>(pattern: string, options: { query: string; import: string; eager: true }): Record<string, T>;
  }
}

const texts = import.meta.glob<string>("../fixtures/stored/*/*", {
  query: "?raw",
  import: "default",
  eager: true,
});

/** A state that a version has stored, with the statements that created the tables of each class. */
export interface Fixture {
  readonly name: string;
  readonly state: StoredState;
  readonly schemaOf: (type: string) => string;
}

/** Every state of every version. */
export const fixtures: readonly Fixture[] = Object.entries(texts).flatMap(([path, text]) => {
  const [, version = "", file = ""] = /([^/]+)\/([^/]+)\.ndjson$/.exec(path) ?? [];
  if (file === "") return [];
  const schemaOf = (type: string): string => texts[`../fixtures/stored/${version}/${type}.sql`] ?? "";
  return [{ name: `${version} ${file}`, state: readState(text), schemaOf }];
});

/** Requests to Okta since the state was loaded. */
let asked: string[] = [];

const outside = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const url = input instanceof Request ? input.url : String(input);
  if (/okta\.com\/(?!_org)/.test(url)) asked.push(requestOf(url));
  return outside(input, init);
};

const stubOf = ({ type, name }: Pick<StoredObject, "type" | "name">) => {
  switch (type) {
    case "InventoryStream":
      return env.INVENTORY_STREAM.getByName(name);
    case "OktaGate":
      return env.OKTA_GATE.getByName(name);
    case "SinkDelivery":
      return env.SINK_DELIVERY.getByName(name);
    case "AccountLookup":
      return env.ACCOUNT_LOOKUP.getByName(name);
    case "Registry":
      return env.REGISTRY.getByName(name);
    default:
      throw new Error(`no class ${type}`);
  }
};

const inObject = <T>(
  object: Pick<StoredObject, "type" | "name">,
  work: (storage: DurableObjectStorage) => T | Promise<T>,
): Promise<T> =>
  runInDurableObject(stubOf(object), (_: unknown, { storage }: DurableObjectState) => work(storage));

/** Stores rows and keys as they were. The triggers of the stored schema fill the search index meanwhile. */
const loadObject = async (object: StoredObject, schema: string): Promise<void> => {
  await inObject(object, async (storage) => {
    followClock(storage);
    await storage.deleteAll();
    storage.transactionSync(() => {
      if (schema !== "") storage.sql.exec(schema);
      for (const [table, rows] of Object.entries(object.tables))
        for (const row of rows) {
          const columns = Object.keys(row);
          const names = columns.map((column) => `"${column}"`).join(", ");
          const places = columns.map(() => "?").join(", ");
          storage.sql.exec(
            `INSERT OR REPLACE INTO "${table}" (${names}) VALUES (${places})`,
            ...Object.values(row),
          );
        }
      for (const [key, value] of object.kv) storage.kv.put(key, value);
    });
  });
  await evictDurableObject(stubOf(object));
};

/** Restores the org. Changes of the same instant happen in their order, some milliseconds apart. */
const restoreOrg = async ({ about, org: options, changes }: StoredState): Promise<TestOrg> => {
  const org = new TestOrg(about.connection);
  await org.create({ ...options, clockOffsetMs: aheadOf(Date.parse(about.at)) });
  for (const [index, { at, method, path, body }] of changes.entries()) {
    if (at !== changes[index - 1]?.at)
      await org.control("POST", "/clock", { offset_ms: aheadOf(Date.parse(at)) });
    await org.control(method, path, body);
  }
  return org;
};

/** Loads a state. Its objects are not running yet, no alarm is set, and the clock stands still. */
export const load = async ({ state, schemaOf }: Fixture): Promise<TestOrg> => {
  stopClock(Date.parse(state.about.at));
  const org = await restoreOrg(state);
  for (const { key, value } of state.cache) await env.ENRICHMENT_CACHE.put(key, value);
  for (const object of state.objects)
    await loadObject(object, Object.keys(object.tables).length > 0 ? schemaOf(object.type) : "");
  asked = [];
  return org;
};

/** Starts the clock and sets the alarms. A run that was waiting need not wait any longer. */
export const goOn = async ({ state }: Fixture, org: TestOrg): Promise<void> => {
  const at = Date.parse(state.about.at);
  const alarms = state.objects.map(({ type, alarm }) => (type === "InventoryStream" ? (alarm ?? at) : at));
  const offset_ms = startClock(Math.max(at, ...alarms));
  await org.control("POST", "/clock", { offset_ms });
  for (const object of state.objects) {
    const { alarm } = object;
    if (alarm !== null) await inObject(object, (storage) => storage.setAlarm(Math.max(alarm, Date.now())));
  }
};

/** The status that the earlier version gave of a stream; null when it was not asked. */
export const statusThen = ({ answers }: StoredState, stream: StreamName): Json | null => {
  for (const answer of answers)
    if (answer.ask === "get" && answer.path === `/v1/streams/${stream}` && isPlainObject(answer.body))
      return answer.body;
  return null;
};

/** The run that was in progress. */
export const runThen = (state: StoredState): Json | null => {
  const run = statusThen(state, state.about.next.stream)?.["run"];
  return isPlainObject(run) ? run : null;
};

const isNumber = (value: unknown): boolean => typeof value === "number";

/**
 * What an event's number decides. Events say more than in v0.1.0, so all assets have got new numbers: what sinks have
 * received is not all that there is to tell.
 */
const NUMBERED: ReadonlySet<string> = new Set(["sequence", "processed_time", "time"]);
const numberless = (uid: unknown): string => String(uid).replace(/(\/(users|devices)\/[^/]+\/)\d+$/, "$1");

/** Since v0.1.0, whose factors are unknown counts as unknown, whatever was last known of them: the other parts shrink. */
const arePartsOfUnknown = (today: Json, then: Json): boolean => {
  const sum = (parts: Json): number =>
    Object.values(parts).reduce<number>((total, part) => total + Number(part), 0);
  return (
    sum(today) === sum(then) &&
    Object.entries(today).every(([key, part]) => key === "unknown" || Number(part) <= Number(then[key]))
  );
};

/**
 * Whether today's value says the same in another way. Each version words the detail of a status in its own. Since v0.1.0,
 * the lag of a sink counts assets; it was the distance to the head, which several numbers of one asset make longer. And
 * whoever's groups are unknown is not said to be no administrator. A device all of whose users are not managed is not.
 */
const isLike = (key: string, today: unknown, then: unknown): boolean => {
  if (key === "detail") return typeof today === "string";
  if (key === "is_managed") return today === false && then === null;
  if (NUMBERED.has(key)) return Number(today) >= Number(then);
  if (key === "uid") return numberless(today) === numberless(then);
  if (key === "by_management" && isPlainObject(today) && isPlainObject(then)) {
    const notManaged = ({ not_managed: no, unknown }: Json): number => Number(no) + Number(unknown);
    return today["managed"] === then["managed"] && notManaged(today) === notManaged(then);
  }
  if (key === "is_admin") return today === null && then === false;
  if (key === "mfa" && isPlainObject(today) && isPlainObject(then)) return arePartsOfUnknown(today, then);
  if (key === "admins" && isPlainObject(today) && isPlainObject(then))
    return today["total"] === then["total"] && Number(today["without_mfa"]) <= Number(then["without_mfa"]);
  if (key !== "lag_events" || typeof today !== "number" || typeof then !== "number") return false;
  return today <= then && (today === 0) === (then === 0);
};

/** Since v0.1.0, it is unknown which roles somebody has through groups that are unknown. */
const areRolesOfUnknownGroups = ({ groups, roles }: Json): boolean =>
  typeof groups === "number" && typeof roles === "number" && roles <= groups;

/** Since v0.1.0, what is unknown is said so: what was last known of it takes no longer its place. */
const MAY_BE_UNKNOWN: ReadonlySet<string> = new Set([
  "factors",
  "has_mfa",
  "mfa_enrolled",
  "mfa_factors",
  "privileges",
  "roles",
  "type",
  "type_id",
]);

/** Whether an entry of `incomplete` is about a field that look-ups have had only since then: people's devices. */
const isNewField = (entry: unknown, then: readonly unknown[]): boolean =>
  isPlainObject(entry) &&
  entry["field"] === "devices" &&
  entry["reason"] === "pending" &&
  !then.some((one) => isPlainObject(one) && one["field"] === "devices");

/**
 * The part of today's answer that can be compared with the earlier one. Documents may have new keys; among counts by
 * name, a new one must be 0.
 * @param isSomeUnknown whether the state has unknown facts
 */
const comparable = (answer: unknown, then: unknown, isSomeUnknown: boolean): unknown => {
  const today =
    Array.isArray(answer) && Array.isArray(then) ? answer.filter((one) => !isNewField(one, then)) : answer;
  if (Array.isArray(today) && Array.isArray(then) && today.length === then.length)
    return today.map((value, index) => comparable(value, then[index], isSomeUnknown));
  if (!isPlainObject(today) || !isPlainObject(then)) return today;
  const areCounts = Object.values(then).every(isNumber);
  const same = Object.entries(today).flatMap(([key, value]) => {
    if (key === "roles" && areCounts && areRolesOfUnknownGroups(today)) return [];
    if (!Object.hasOwn(then, key)) return areCounts && value !== 0 ? [[key, value]] : [];
    return [[key, isLike(key, value, then[key]) ? then[key] : comparable(value, then[key], isSomeUnknown)]];
  });
  const unknown = Object.entries(then).filter(
    ([key]) => isSomeUnknown && MAY_BE_UNKNOWN.has(key) && (today[key] ?? null) === null,
  );
  return Object.fromEntries([...same, ...unknown]);
};

const linesOf = (text: string): unknown[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

/** Asks today's code the same question. */
const answerOf = async (connection: string, then: Answer): Promise<unknown> => {
  if (then.ask === "get") {
    const response = await call(connection, "GET", then.path);
    const text = new TextDecoder().decode(await response.arrayBuffer());
    return { status: response.status, body: Array.isArray(then.body) ? linesOf(text) : JSON.parse(text) };
  }
  const stub = stubOf(then);
  const method: unknown = Reflect.get(stub, then.method);
  if (typeof method !== "function") throw new Error(`${then.type} has no method ${then.method}`);
  return { answer: await Reflect.apply(method, stub, then.parameters) };
};

/** Every answer is the same as the earlier version gave, without any request to Okta. */
export const expectAnswersAsBefore = async (state: StoredState): Promise<void> => {
  const { about, answers } = state;
  const status = statusThen(state, "users");
  const isSomeUnknown =
    status !== null &&
    Object.values(partOf(partOf(status, "assets"), "unknown")).some((count) => count !== 0);
  for (const then of answers) {
    const before = then.ask === "get" ? { status: then.status, body: then.body } : { answer: then.answer };
    const today = await answerOf(about.connection, then);
    const question = then.ask === "get" ? then.path : `${then.method}(${then.parameters.join(", ")})`;
    // Of whom it was not known is known now, or the other way round.
    if (question.endsWith("?managed=unknown") || question.endsWith("?mfa=unknown")) continue;
    expect({ question, ...Object(comparable(today, before, isSomeUnknown)) }).toEqual({
      question,
      ...before,
    });
  }
  expect(asked).toEqual([]);
};

/** Waits for the end of the next run: the one in progress, or the one that this starts. */
const nextRun = async (state: StoredState): Promise<RunDocument> => {
  const { connection, next } = state.about;
  const { stream } = next;
  if (next.do === "finish") {
    const last = await untilIdle(connection, stream);
    expect(last.id).toBe(runThen(state)?.["id"]);
    return last;
  }
  if (next.do !== "confirm") return sync(connection, next.do, stream);
  await call(connection, "POST", `/v1/streams/${stream}/deletions/confirm`);
  return untilIdle(connection, stream);
};

/** Since v0.1.0, runs ask the org who it is before they read from it. */
const ORGANIZATION = "/.well-known/okta-organization";

/** Since v0.1.0, runs ask for a user's groups with the limit that look-ups have always given. */
const asEarlier = (path: string): string => path.replace(/(\/users\/[^/?]+\/groups)\?limit=200$/, "$1");

/** Since v0.1.0, nobody is asked for roles through groups, which the groups tell. */
const ROLES = "GET /api/v1/users/{id}/roles";
/** Since v0.1.0, a page of the log that is not full is the last one. */
const LOGS = "GET /api/v1/logs";
const mayBeFewer = (path: string): boolean =>
  /\/users\/[^/]+\/roles$/.test(path) || path.startsWith("/api/v1/logs");
/** Since v0.1.0, other types of events are heard, so the log is begun anew once. */
const mayBeNew = (path: string): boolean => /^\/api\/v1\/logs\?since=.*&limit=1000$/.test(path);

/**
 * The next run ends as it did under the earlier version, with the same requests to Okta: no page is read twice. For roles
 * and of the log it makes none that the earlier version did not make, but for one, and may make fewer.
 */
export const expectEndAsBefore = async (state: StoredState): Promise<void> => {
  const { kind, cause, state: outcome, calls, changes: all } = await nextRun(state);
  // Since v0.1.0, runs tell what was still there.
  const { still_there: __, ...changes } = all;
  const { [`GET ${ORGANIZATION}`]: _, [ROLES]: roles = 0, [LOGS]: logs = 0, ...others } = calls.by_endpoint;
  const paths = asked.filter((path) => path !== ORGANIZATION).map(asEarlier);
  const requests = paths.filter((path) => !mayBeFewer(path)).sort();
  const { calls: callsThen, requests: requestsThen, changes: changesThen, ...then } = state.end;
  const { [ROLES]: rolesThen = 0, [LOGS]: logsThen = 0, ...othersThen } = callsThen;
  expect({ kind, cause, state: outcome, calls: others, requests }).toEqual({
    ...then,
    calls: othersThen,
    requests: requestsThen.filter((path) => !mayBeFewer(path)),
  });
  expect(roles).toBeLessThanOrEqual(rolesThen);
  expect(logs).toBeLessThanOrEqual(logsThen);
  // Records, factors and roles say more than in v0.1.0, so whatever is read again has changed.
  const { deleted } = changesThen;
  expect(changes.deleted).toBe(deleted);
  expect(paths.filter(mayBeNew).length).toBeLessThanOrEqual(1);
  const fewer = paths.filter((path) => mayBeFewer(path) && !mayBeNew(path));
  expect(requestsThen).toEqual(expect.arrayContaining(fewer));
};

/** The streams that have something stored. */
export const streamsOf = ({ about, objects }: StoredState): readonly StreamName[] =>
  streamNames.filter((stream) => objects.some(({ name }) => name === `${about.connection}/${stream}`));

const isDeleted = (event: Json): boolean =>
  partsOf(event, "enrichments").some((enrichment) => partOf(enrichment, "data")["is_deleted"] === true);

/** The inventory equals what the org's own dump says. */
export const expectEqual = async (org: TestOrg, stream: StreamName): Promise<void> => {
  const dump = await org.dump();
  const expected = stream === "users" ? expectedUsers(dump) : expectedDevices(dump);
  const living = (await inventory(org.connection, { stream })).filter((event) => !isDeleted(event));
  expect(differences(newestById(living), expected).slice(0, 1)).toEqual([]);
};
