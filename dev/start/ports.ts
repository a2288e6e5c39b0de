import { createServer } from "node:net";

const LOOPBACK = "127.0.0.1";

const tryPort = (port: number): Promise<number | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === "object" && address !== null ? address.port : port;
      server.close(() => resolve(found));
    });
  });

/** This port if it is free on the loopback address, else another free one. */
export const freePort = async (preferred: number): Promise<number> => {
  const port = (await tryPort(preferred)) ?? (await tryPort(0));
  if (port === null) throw new Error("No free port on 127.0.0.1");
  return port;
};
