/**
 * The names of all Durable Objects. Only this file makes and reads them. An object learns from its name which
 * connection, stream or sink it belongs to.
 */
import { type StreamName, streamNames } from "./streams.ts";

/** One stream: the users or devices of one connection. */
export interface StreamIdentity {
  /** The connection's id. */
  readonly connection: string;
  readonly stream: StreamName;
}

/** One stream's delivery to one sink. */
export interface DeliveryIdentity extends StreamIdentity {
  /** The sink's name. */
  readonly sink: string;
}

/** Into how many AccountLookup objects a connection's accounts are spread. */
const LOOKUP_SHARDS = 8;

/**
 * The name of an account's AccountLookup: `<connection>/<n>`. It spreads accounts, and keeps together all spellings
 * that share a key.
 * @param key an identifier's key
 */
export const lookupShardName = (connection: string, key: string): string => {
  let hash = 0;
  for (const unit of key) hash = (Math.imul(hash, 31) + (unit.codePointAt(0) ?? 0)) >>> 0;
  return `${connection}/${hash % LOOKUP_SHARDS}`;
};

/** The name of the AccountLookup that keeps a connection's counters: `<connection>/counters`. */
export const lookupCountersName = (connection: string): string => `${connection}/counters`;

/** Which connection the AccountLookup of this id belongs to. Throws for a name that was not made here, which is a bug. */
export const connectionOfLookup = ({ name }: Pick<DurableObjectId, "name">): string => {
  const [connection = ""] = (name ?? "").split("/");
  if (connection === "") throw new Error("An AccountLookup is named <connection>/<part>");
  return connection;
};

/** The names of all AccountLookups of a connection. */
export const lookupObjectNames = (connection: string): readonly string[] => [
  ...Array.from({ length: LOOKUP_SHARDS }, (_, shard) => `${connection}/${shard}`),
  lookupCountersName(connection),
];

/** The name of the one Registry. */
export const registryObjectName = "registry";

/** The jurisdiction that an object is in; null: none. Cloudflare tells it, and the local runtime never does. */
export const jurisdictionOf = ({ jurisdiction }: Pick<DurableObjectId, "jurisdiction">): string | null =>
  jurisdiction ?? null;

/** The name of an InventoryStream: `<connection>/<stream>`. */
export const streamObjectName = ({ connection, stream }: StreamIdentity): string => `${connection}/${stream}`;

/** The name of a SinkDelivery: `<connection>/<stream>/<sink>`. */
export const deliveryObjectName = ({ connection, stream, sink }: DeliveryIdentity): string =>
  `${connection}/${stream}/${sink}`;

const streamNamed = (part: string | undefined): StreamName | undefined =>
  streamNames.find((name) => name === part);

/** The name of an OktaGate: the connection's id. */
export const gateObjectName = (connection: string): string => connection;

/** Which connection the OktaGate of this id belongs to. Throws when the object has no name, which is a bug. */
export const connectionOfGate = ({ name }: Pick<DurableObjectId, "name">): string => {
  if (name === undefined) throw new Error("An OktaGate is named after its connection");
  return name;
};

/** The stream that an InventoryStream's id stands for. Throws if `streamObjectName` did not make its name: a bug. */
export const streamIdentityOf = ({ name }: Pick<DurableObjectId, "name">): StreamIdentity => {
  const [connection = "", streamPart] = (name ?? "").split("/");
  const stream = streamNamed(streamPart);
  if (stream === undefined) throw new Error("An InventoryStream is named <connection>/<stream>");
  return { connection, stream };
};

/** Which delivery the SinkDelivery of this id is. Throws for a name that was not made here, which is a bug. */
export const deliveryIdentityOf = ({ name }: Pick<DurableObjectId, "name">): DeliveryIdentity => {
  const [connection = "", streamPart, sink = ""] = (name ?? "").split("/");
  const stream = streamNamed(streamPart);
  if (stream === undefined || sink === "") {
    throw new Error("A SinkDelivery is named <connection>/<stream>/<sink>");
  }
  return { connection, stream, sink };
};

/** The name of an AlertDelivery: the connection's id. */
export const alertsObjectName = (connection: string): string => connection;

/** Which connection the AlertDelivery of this id belongs to. Throws when the object has no name, which is a bug. */
export const connectionOfAlerts = ({ name }: Pick<DurableObjectId, "name">): string => {
  if (name === undefined) throw new Error("An AlertDelivery is named after its connection");
  return name;
};
