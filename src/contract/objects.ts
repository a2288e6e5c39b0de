/**
 * Names of the Durable Objects of a stream. Only this file makes and reads them. An InventoryStream learns
 * from its name which stream it is; a SinkDelivery gets its identity with each call.
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

/** The name of an InventoryStream: `<connection>/<stream>`. */
export const streamObjectName = ({ connection, stream }: StreamIdentity): string => `${connection}/${stream}`;

/** The name of a SinkDelivery: `<connection>/<stream>/<sink>`. */
export const deliveryObjectName = ({ connection, stream, sink }: DeliveryIdentity): string =>
  `${connection}/${stream}/${sink}`;

/** The stream that an InventoryStream's id stands for. Throws if `streamObjectName` did not make its name: a bug. */
export const streamIdentityOf = ({ name }: Pick<DurableObjectId, "name">): StreamIdentity => {
  const [connection = "", streamPart] = (name ?? "").split("/");
  const stream = streamNames.find((known) => known === streamPart);
  if (stream === undefined) throw new Error("An InventoryStream is named <connection>/<stream>");
  return { connection, stream };
};
