/**
 * Names of Durable Objects. An object learns from its name who it is, and from nothing else; this file makes and
 * reads all names.
 */
import { type StreamName, streamNames } from "./streams.ts";

/** One connection's users or devices. */
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

/** The name of an InventoryStream: `<connection>/<stream>`. */
export const streamObjectName = ({ connection, stream }: StreamIdentity): string => `${connection}/${stream}`;

/** The name of a SinkDelivery: `<connection>/<stream>/<sink>`. */
export const deliveryObjectName = ({ connection, stream, sink }: DeliveryIdentity): string =>
  `${connection}/${stream}/${sink}`;

/** The name of an OktaGate: the connection's id. */
export const gateObjectName = (connection: string): string => connection;

/** Which connection the OktaGate of this id belongs to. Throws when the object has no name, which is a bug. */
export const connectionOfGate = ({ name }: Pick<DurableObjectId, "name">): string => {
  if (name === undefined) throw new Error("An OktaGate is named after its connection");
  return name;
};

/** Which stream the InventoryStream of this id is. Throws for a name that was not made here, which is a bug. */
export const streamIdentityOf = ({ name }: Pick<DurableObjectId, "name">): StreamIdentity => {
  const [connection = "", streamPart] = (name ?? "").split("/");
  const stream = streamNames.find((known) => known === streamPart);
  if (stream === undefined) throw new Error("An InventoryStream is named <connection>/<stream>");
  return { connection, stream };
};
