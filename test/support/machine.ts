/**
 * A stream whose every alarm, call and moment the test decides. It lives in an object's real storage, but its alarm is a
 * number that the test reads, so nothing happens by itself: the same seed takes the same way again.
 */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { connectionOf } from "../../src/config/connections.ts";
import { deliveryObjectName } from "../../src/contract/objects.ts";
import type { RunKind } from "../../src/contract/status.ts";
import type { StreamName } from "../../src/contract/streams.ts";
import { migrate } from "../../src/inventory/schema.ts";
import { connectOkta } from "../../src/okta/connect.ts";
import type { StreamDefinition } from "../../src/streams/definition.ts";
import { streams } from "../../src/streams/index.ts";
import { Stream } from "../../src/sync/stream.ts";
import { nobodyElse } from "./lent-stream.ts";
import { isJson, type Json, type TestOrg } from "./org.ts";
import { passTime } from "./time.ts";

export interface MachineOptions {
  readonly org: TestOrg;
  readonly stream: StreamName;
  /** How many calls a slice may make: the fewer, the finer the turns that the test can come between. By default 40. */
  readonly callsPerSlice?: number;
  /** The most that a page of a list holds. By default 200. */
  readonly pageSize?: number;
  /**
   * Called before each call to Okta. False: the object is killed, and the call is never answered.
   * By default, nothing happens.
   * @param path the call's path, without the query
   */
  readonly beforeCall?: (path: string) => Promise<boolean>;
  /** Answers the calls to Okta, in place of the simulated org. */
  readonly fetch?: typeof fetch;
  /** Whether the connection takes event hooks. By default, it does. */
  readonly takesHooks?: () => boolean;
  /** A definition to use instead of the stream's own. */
  readonly definition?: StreamDefinition;
}

/** More slices than any runs take. */
const ENOUGH = 3000;

/** A call that a killed object made: nobody waits for it. */
const never = (): Promise<never> => new Promise(() => {});

export class Machine {
  /** The stream's object as it is now in memory. */
  stream: Stream;
  readonly storage: DurableObjectStorage;
  readonly #options: MachineOptions;
  /** When the object is to be woken, ms since the epoch; null: not at all. */
  #alarm: number | null = null;
  #life = 0;
  #killed: () => void = () => {};

  constructor(storage: DurableObjectStorage, options: MachineOptions) {
    this.storage = storage;
    this.#options = options;
    this.stream = this.#load();
  }

  /** Drops the object's memory and loads it again, as an eviction does while it rests. */
  evict(): void {
    this.stream = this.#load();
  }

  get alarm(): number | null {
    return this.#alarm;
  }

  /**
   * Lets the object work for a slice, once its alarm is due; time passes until then.
   * @returns false if no alarm is set
   */
  async slice(): Promise<boolean> {
    if (this.#alarm === null) return false;
    await this.passTime(Math.max(0, this.#alarm - Date.now()));
    this.#alarm = null;
    const killed = new Promise<void>((resolve) => {
      this.#killed = resolve;
    });
    await Promise.race([this.stream.alarm(), killed]);
    return true;
  }

  /** Lets time pass for everybody. */
  async passTime(ms: number): Promise<void> {
    if (ms === 0) return;
    passTime(ms);
    await this.#options.org.advance(ms);
  }

  /** Works until no run is in progress. @param after called after each slice */
  async toRest(after: () => Promise<void> | void = () => {}): Promise<void> {
    for (let n = 0; n < ENOUGH && (await this.slice()); n++) await after();
    if (this.#alarm !== null) throw new Error("the runs do not come to their end");
  }

  /** Whether a run of this kind is in progress. */
  isOn(kind: RunKind): boolean {
    return this.stream.runs().some((run) => run.kind === kind && run.state === "running");
  }

  /** The living assets' events, by id. */
  living(): Map<string, Json> {
    const { events } = this.stream.events.page({ after: 0, limit: 100_000, dialect: "sekoia" });
    const rows = this.storage.sql.exec<{ id: string }>("SELECT id FROM assets WHERE deleted_at IS NULL");
    const living = new Set([...rows].map(({ id }) => id));
    return new Map(
      events.flatMap(({ assetId, json }) => {
        const event: unknown = JSON.parse(json);
        return living.has(assetId) && isJson(event) ? [[assetId, event]] : [];
      }),
    );
  }

  #load(): Stream {
    const { org, stream, callsPerSlice = 40, pageSize = 200, beforeCall = async () => true } = this.#options;
    const { takesHooks = nobodyElse.takesHooks } = this.#options;
    const { connection } = org;
    const life = ++this.#life;
    return new Stream({
      definition: this.#options.definition ?? streams[stream],
      identity: { connection, stream },
      storage: this.#withAlarm(),
      connection: () => {
        const settings = connectionOf(env, connection);
        return settings && { ...settings, subrequestsPerSlice: callsPerSlice };
      },
      connect: (session) =>
        connectOkta({
          ...session,
          env,
          fetch: async (input, init) => {
            if (life !== this.#life) return never();
            passTime(1); // so does the org's clock
            if (!(await beforeCall(new URL(String(input)).pathname))) {
              this.evict();
              this.#killed();
              return never();
            }
            const answer = this.#options.fetch ?? fetch;
            const response = await answer(smaller(String(input), pageSize), init);
            const body = await response.arrayBuffer();
            // It may have been killed while this call was under way.
            return life === this.#life ? new Response(body, response) : never();
          },
        }),
      ...nobodyElse,
      takesHooks,
      now: () => Date.now(),
      random: () => 0.05,
    });
  }

  /** The object's storage, with an alarm that only this machine looks at. */
  #withAlarm(): DurableObjectStorage {
    const life = this.#life;
    const alarms: Partial<DurableObjectStorage> = {
      getAlarm: async () => this.#alarm,
      setAlarm: async (at) => {
        if (life === this.#life) this.#alarm = Number(at);
      },
      deleteAlarm: async () => {
        if (life === this.#life) this.#alarm = null;
      },
    };
    return new Proxy(this.storage, {
      get: (storage, name) => {
        if (Object.hasOwn(alarms, name)) return Reflect.get(alarms, name);
        const value: unknown = Reflect.get(storage, name, storage);
        return typeof value === "function" ? value.bind(storage) : value;
      },
    });
  }
}

/** Lists that are never paged here: the log, and a user's groups, all of whose pages are read in one step. */
const UNPAGED = /\/logs$|\/users\/[^/]+\/groups$/;

/** The same request for a smaller page. */
const smaller = (address: string, pageSize: number): string => {
  const url = new URL(address);
  const limit = url.searchParams.get("limit");
  if (limit === null || Number(limit) <= pageSize || UNPAGED.test(url.pathname)) return address;
  url.searchParams.set("limit", String(pageSize));
  return url.href;
};

/** Lends a storage to a machine while `work` goes on. */
export const withMachine = (
  options: MachineOptions,
  work: (machine: Machine) => Promise<void>,
): Promise<void> => {
  const name = deliveryObjectName({
    connection: options.org.connection,
    stream: options.stream,
    sink: "machine",
  });
  return runInDurableObject(env.SINK_DELIVERY.getByName(name), async (_object, { storage }) => {
    migrate(storage);
    await work(new Machine(storage, options));
  });
};
