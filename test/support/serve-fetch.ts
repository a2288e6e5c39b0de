/** A simulated org, or anything else that answers requests, behind a real local server. */
import { getRequestListener } from "@hono/node-server";
import { type LocalServer, listenLocally } from "../../dev/lib/local-server.ts";

export const serveFetch = (
  answer: (request: Request) => Response | Promise<Response>,
): Promise<LocalServer> => listenLocally(getRequestListener(answer, { overrideGlobalObjects: false }));
