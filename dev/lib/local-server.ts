/** A server on the loopback address, for orgs and receivers that the connector reaches over real HTTP. */
import { createServer, type RequestListener } from "node:http";

export interface LocalServer {
  /** Without a slash at its end. */
  readonly url: string;
  /** Breaks every connection and waits until the port is free. */
  close(): Promise<void>;
}

/** @param port 0 takes any port that is free */
export const listenLocally = async (handler: RequestListener, port = 0): Promise<LocalServer> => {
  const server = createServer(handler);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
