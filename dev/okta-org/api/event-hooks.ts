/** Registering event hooks, as Okta's API does it. */
import * as z from "zod";
import type { EventHook } from "../org/hooks.ts";
import type { Call, Endpoint } from "./call.ts";
import { OktaError } from "./errors.ts";

/** Okta's own bounds. */
const MAX_HOOKS = 25;
const MAX_TYPES = 300;

const bodySchema = z.object({
  name: z.string().min(1),
  events: z.object({ type: z.literal("EVENT_TYPE"), items: z.array(z.string()).min(1).max(MAX_TYPES) }),
  channel: z.object({
    type: z.literal("HTTP"),
    version: z.string(),
    config: z.object({
      uri: z.url(),
      authScheme: z.object({ type: z.literal("HEADER"), key: z.string().min(1), value: z.string().min(1) }),
    }),
  }),
});

/** A hook as the API shows it: its secret is never told again. */
const shown = ({ id, name, uri, header, items, status, verificationStatus }: EventHook) => ({
  id,
  name,
  status,
  verificationStatus,
  events: { type: "EVENT_TYPE", items },
  channel: {
    type: "HTTP",
    version: "1.0.0",
    config: { uri, headers: [], method: "POST", authScheme: { type: "HEADER", key: header.key } },
  },
});

const create = async ({ state, request }: Call): Promise<Response> => {
  const body = bodySchema.safeParse(await request.json().catch(() => null));
  if (!body.success) throw new OktaError("E0000001", z.prettifyError(body.error));
  if (state.hooks.all.size >= MAX_HOOKS) throw new OktaError("E0000001", "Event hook limit exceeded.");
  const { name, events, channel } = body.data;
  const { uri, authScheme } = channel.config;
  const hook: EventHook = {
    // Not of those ids that changes of the org make, so that these do not depend on who has registered what.
    id: state.requestIds.id("who"),
    name,
    uri,
    header: { key: authScheme.key, value: authScheme.value },
    items: events.items,
    status: "ACTIVE",
    verificationStatus: "UNVERIFIED",
  };
  state.hooks.all.set(hook.id, hook);
  return Response.json(shown(hook));
};

const hookOf = ({ state, param }: Call): EventHook => {
  const hook = state.hooks.all.get(param("id"));
  if (hook === undefined) throw new OktaError("E0000007", `Resource not found: ${param("id")} (EventHook)`);
  return hook;
};

const verify = async (call: Call): Promise<Response> => {
  const hook = hookOf(call);
  if (!(await call.state.hooks.verify(hook))) {
    throw new OktaError("E0000001", "The event hook could not be verified: the challenge was not returned.");
  }
  hook.verificationStatus = "VERIFIED";
  return Response.json(shown(hook));
};

const remove = (call: Call): Response => {
  call.state.hooks.all.delete(hookOf(call).id);
  return new Response(null, { status: 204 });
};

const PATH = "/api/v1/eventHooks";
const HOOKS = { bucket: "/api/v1", scope: "okta.eventHooks.manage", resource: null } as const;

export const eventHookEndpoints: Endpoint[] = [
  { ...HOOKS, path: PATH, handle: ({ state }) => Response.json([...state.hooks.all.values()].map(shown)) },
  { ...HOOKS, path: PATH, method: "POST", handle: create },
  { ...HOOKS, path: `${PATH}/{id}`, handle: (call) => Response.json(shown(hookOf(call))) },
  { ...HOOKS, path: `${PATH}/{id}`, method: "DELETE", handle: remove },
  { ...HOOKS, path: `${PATH}/{id}/lifecycle/verify`, method: "POST", handle: verify },
];
