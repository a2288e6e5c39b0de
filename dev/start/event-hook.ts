/** Registers the connector's event hook with the simulated org, by the calls that an administrator makes at a real one. */
import * as z from "zod";
import { err, ok, type Result } from "../../src/lib/result.ts";
import { streams } from "../../src/streams/index.ts";
import { hookedTypes } from "../../src/streams/log-effects.ts";

const hooksSchema = z.array(z.object({ id: z.string(), name: z.string() }));

const NAME = "Okta Edge Connector";

/** The event types to subscribe to: those of all streams. */
const eventTypes = (): readonly string[] => [
  ...new Set(Object.values(streams).flatMap(({ source }) => hookedTypes(source.logRules))),
];

/** The body of `POST /api/v1/eventHooks`. */
const hookBody = (connector: string, secret: string): object => ({
  name: NAME,
  events: { type: "EVENT_TYPE", items: eventTypes() },
  channel: {
    type: "HTTP",
    version: "1.0.0",
    config: {
      uri: `${connector}/v1/hooks/okta`,
      authScheme: { type: "HEADER", key: "authorization", value: secret },
    },
  },
});

/**
 * Registers the hook, in place of one of an earlier start, and has it verified.
 * @param org the org's origin
 * @param connector the connector's origin
 * @returns how many event types it is subscribed to; or the org's refusal, for instance after its token was revoked
 */
export const registerHook = async (
  org: string,
  token: string,
  connector: string,
  secret: string,
): Promise<Result<number, string>> => {
  const call = async (method: string, path: string, body?: object): Promise<Result<unknown, string>> => {
    const response = await fetch(`${org}/api/v1/eventHooks${path}`, {
      method,
      headers: { Authorization: `SSWS ${token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) return err(`${response.status} ${text}`);
    return ok(text === "" ? null : JSON.parse(text));
  };
  const listed = await call("GET", "");
  if (!listed.ok) return listed;
  for (const { id, name } of hooksSchema.parse(listed.value))
    if (name === NAME) await call("DELETE", `/${id}`);
  const made = await call("POST", "", hookBody(connector, secret));
  if (!made.ok) return made;
  const { id } = z.object({ id: z.string() }).parse(made.value);
  const verified = await call("POST", `/${id}/lifecycle/verify`);
  return verified.ok ? ok(eventTypes().length) : verified;
};
