import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import * as z from "zod";
import { faultRuleSchema } from "../api/faults.ts";
import { actorOf } from "../changes/authors.ts";
import type { OrgState } from "../org/state.ts";
import { changeRoutes } from "./changes.ts";
import * as schemas from "./schemas.ts";

const dumpQuery = z.object({
  kind: z.enum(["users", "groups", "devices"]).optional(),
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().positive().default(1000),
});

/** What callers did to the org: calls, windows, violations, repeated pages; and what became of event hooks. */
export const statsOf = (state: OrgState) => ({
  ...state.stats.report(),
  ...state.limiter.report(),
  hooks: state.hooks.report,
});
export type OrgStats = ReturnType<typeof statsOf>;

const dumpPart = (state: OrgState, { kind, offset, limit }: z.output<typeof dumpQuery>): object => {
  const { store } = state;
  const part = <T, U>(rows: readonly T[], dump: (row: T) => U) => ({
    kind,
    offset,
    total: rows.length,
    items: rows.slice(offset, offset + limit).map(dump),
  });
  if (kind === "users") return part(store.users.rows, (row) => store.dumpUser(row));
  if (kind === "groups") return part(store.groups.rows, (row) => store.dumpGroup(row));
  if (kind === "devices") return part(store.devices.rows, (row) => store.dumpDevice(row));
  return store.dump();
};

/** The routes under `/_org`, for developers and tests; no credential. */
export const controlRoutes = (state: OrgState): Hono => {
  const app = new Hono();
  app.get("/options", (c) => c.json(state.options));
  app.get("/dump", (c) => c.json(dumpPart(state, dumpQuery.parse(c.req.query()))));
  app.get("/stats", (c) => c.json(statsOf(state)));
  app.post("/stats/reset", (c) => {
    state.stats.reset();
    state.limiter.resetReports();
    return c.json({ ok: true });
  });
  app.get("/faults", (c) => c.json(state.faults.list()));
  app.post("/faults", async (c) => {
    const body: unknown = await c.req.json();
    const rules = z.array(faultRuleSchema).parse(Array.isArray(body) ? body : [body]);
    state.faults.add(rules);
    return c.json({ ok: true, rules: state.faults.list().length });
  });
  app.delete("/faults", (c) => {
    state.faults.clear();
    return c.json({ ok: true });
  });
  app.post("/clock", async (c) => {
    const body = schemas.clockSchema.parse(await c.req.json());
    if ("stop" in body) state.clock.stop();
    else if ("offset_ms" in body) state.clock.setOffset(body.offset_ms);
    else state.clock.advance(body.advance_ms);
    return c.json({ now: state.clock.iso(), offset_ms: state.clock.offset() });
  });
  app.post("/restrict", async (c) => {
    const body: unknown = await c.req.json();
    const parsed = schemas.restrictSchema.parse(body);
    // Parsing fills in the defaults of what was left out; that is to stay as it is.
    const given = Object.entries(parsed).filter(([name]) => Object.hasOwn(Object(body), name));
    Object.assign(state.options, Object.fromEntries(given));
    return c.json(state.options);
  });
  app.post("/events", async (c) => {
    const { outcome, reason, actor, ip, ...event } = schemas.eventSchema.parse(await c.req.json());
    const by = typeof actor === "string" ? actorOf(state, actor) : actor;
    const given = {
      ...(outcome && { outcome }),
      ...(reason && { reason }),
      ...(by && { actor: by }),
      ...(ip && { ip }),
    };
    return c.json(state.log.write({ ...event, ...given }), 201);
  });
  app.post("/oauth-clients", async (c) => {
    const body = schemas.clientsSchema.parse(await c.req.json());
    state.oauth.putClients(Array.isArray(body) ? body : [body]);
    return c.json(state.options.clients, 201);
  });
  app.delete("/oauth-clients/:id", (c) => {
    state.oauth.removeClient(c.req.param("id"));
    return c.json({ ok: true });
  });
  app.post("/oauth-tokens/revoke", (c) => {
    state.oauth.revokeTokens();
    return c.json({ ok: true });
  });
  app.post("/dpop-nonce/rotate", (c) => {
    state.oauth.rotateNonce();
    return c.json({ ok: true });
  });
  app.route("/", changeRoutes(state));
  app.onError((error, c) => {
    if (error instanceof HTTPException) return error.getResponse();
    if (error instanceof RangeError || error instanceof z.ZodError || error instanceof SyntaxError) {
      const message = error instanceof z.ZodError ? z.prettifyError(error) : error.message;
      return c.json({ error: message }, error.message.startsWith("nothing has") ? 404 : 400);
    }
    throw error;
  });
  return app;
};
