import { Hono } from "hono";
import { churn } from "../changes/churn.ts";
import * as devices from "../changes/devices.ts";
import * as factors from "../changes/factors.ts";
import * as groups from "../changes/groups.ts";
import * as roles from "../changes/roles.ts";
import { takeOver } from "../changes/takeover.ts";
import * as users from "../changes/users.ts";
import type { OrgState } from "../org/state.ts";
import { bodyOf, changeOptions, isSilent, readChange } from "./read-change.ts";
import * as schemas from "./schemas.ts";

/** Drops keys whose value is undefined, so that defaults apply to them. */
const given = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  // Every undefined value is gone, which a type cannot follow through Object.entries.
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };

const DONE = { ok: true } as const;

/** Routes that change users, their factors and their roles. */
const userRoutes = (state: OrgState): Hono => {
  const app = new Hono();
  app.post("/", async (c) => {
    const { body, options } = await readChange(state, c, schemas.createUserSchema);
    const { groups: groupIds, ...user } = body;
    const created = users.createUser(state, given(user), options);
    for (const id of groupIds) groups.addMember(state, id, created.id, options);
    return c.json(created, 201);
  });
  app.patch("/:id", async (c) => {
    const { body, options } = await readChange(state, c, schemas.patchProfileSchema);
    return c.json(users.updateProfile(state, c.req.param("id"), body.profile, options));
  });
  app.delete("/:id", async (c) => {
    const options = await changeOptions(state, c);
    users.deleteUser(state, c.req.param("id"), options);
    return c.json(DONE);
  });
  app.post("/:id/factors", async (c) => {
    const { body: factor, options } = await readChange(state, c, schemas.createFactorSchema);
    return c.json(factors.enrolFactor(state, c.req.param("id"), factor, options), 201);
  });
  app.post("/:id/factors/:fid/activate", async (c) => {
    const options = await changeOptions(state, c);
    return c.json(factors.activateFactor(state, c.req.param("id"), c.req.param("fid"), options));
  });
  app.delete("/:id/factors/:fid?", async (c) => {
    const options = await changeOptions(state, c);
    factors.resetFactors(state, c.req.param("id"), c.req.param("fid") ?? null, options);
    return c.json(DONE);
  });
  app.post("/:id/roles", async (c) => {
    const { body: role, options } = await readChange(state, c, schemas.createRoleSchema);
    return c.json(roles.grantUserRole(state, c.req.param("id"), role, options), 201);
  });
  app.delete("/:id/roles/:rid?", async (c) => {
    const options = await changeOptions(state, c);
    roles.revokeUserRoles(state, c.req.param("id"), c.req.param("rid") ?? null, options);
    return c.json(DONE);
  });
  app.post("/:id/:verb", async (c) => {
    const options = await changeOptions(state, c);
    const { id, verb } = c.req.param();
    if (verb === "sign-in") {
      const { actor } = options.author ?? {};
      if (actor !== undefined && actor.id !== id) throw new RangeError("actor: people sign in themselves");
      return c.json(users.signIn(state, id, options));
    }
    if (verb === "password") return c.json(users.changePassword(state, id, options));
    if (verb !== "delete") return c.json(users.changeStatus(state, id, verb, options));
    users.deleteUser(state, id, options);
    return c.json(DONE);
  });
  return app;
};

const groupRoutes = (state: OrgState): Hono => {
  const app = new Hono();
  app.post("/", async (c) => {
    const { body, options } = await readChange(state, c, schemas.createGroupSchema);
    const { members, ...group } = body;
    const created = groups.createGroup(state, given(group), options);
    for (const id of members) groups.addMember(state, created.id, id, options);
    return c.json(created, 201);
  });
  app.patch("/:id", async (c) => {
    const { body, options } = await readChange(state, c, schemas.patchProfileSchema);
    return c.json(groups.updateGroup(state, c.req.param("id"), body.profile, options));
  });
  app.delete("/:id", async (c) => {
    const options = await changeOptions(state, c);
    groups.deleteGroup(state, c.req.param("id"), options);
    return c.json(DONE);
  });
  app.post("/:id/users/:uid", async (c) => {
    const options = await changeOptions(state, c);
    groups.addMember(state, c.req.param("id"), c.req.param("uid"), options);
    return c.json(DONE);
  });
  app.delete("/:id/users/:uid", async (c) => {
    const options = await changeOptions(state, c);
    groups.removeMember(state, c.req.param("id"), c.req.param("uid"), options);
    return c.json(DONE);
  });
  app.post("/:id/roles", async (c) => {
    const { body: role, options } = await readChange(state, c, schemas.createRoleSchema);
    return c.json(roles.grantGroupRole(state, c.req.param("id"), role, options), 201);
  });
  app.delete("/:id/roles/:rid?", async (c) => {
    const options = await changeOptions(state, c);
    roles.revokeGroupRoles(state, c.req.param("id"), c.req.param("rid") ?? null, options);
    return c.json(DONE);
  });
  return app;
};

const deviceRoutes = (state: OrgState): Hono => {
  const app = new Hono();
  app.post("/", async (c) => {
    const { body, options } = await readChange(state, c, schemas.createDeviceSchema);
    const { users: links, ...device } = body;
    const created = devices.createDevice(state, given(device), options);
    for (const link of links) devices.linkUser(state, created.id, link, options);
    return c.json(created, 201);
  });
  app.patch("/:id", async (c) => {
    // Nothing is written to the log, so nobody can be named.
    const { profile } = schemas.patchProfileSchema.parse(await bodyOf(c));
    return c.json(devices.updateDevice(state, c.req.param("id"), profile));
  });
  app.delete("/:id", async (c) => {
    const options = await changeOptions(state, c);
    devices.deleteDevice(state, c.req.param("id"), options);
    return c.json(DONE);
  });
  app.post("/:id/users", async (c) => {
    const { body: link, options } = await readChange(state, c, schemas.linkSchema);
    return c.json(devices.linkUser(state, c.req.param("id"), link, options), 201);
  });
  app.delete("/:id/users/:uid", async (c) => {
    const options = await changeOptions(state, c);
    devices.unlinkUser(state, c.req.param("id"), c.req.param("uid"), options);
    return c.json(DONE);
  });
  app.post("/:id/:verb", async (c) => {
    const options = await changeOptions(state, c);
    const { id, verb } = c.req.param();
    if (verb !== "delete") return c.json(devices.changeDeviceStatus(state, id, verb, options));
    devices.deleteDevice(state, id, options);
    return c.json(DONE);
  });
  return app;
};

/** Routes that make many changes at once. */
const scenarioRoutes = (state: OrgState): Hono => {
  const app = new Hono();
  app.post("/churn", async (c) => {
    const { body, options } = await readChange(state, c, schemas.churnSchema);
    return c.json({ done: churn(state, body.changes, options) });
  });
  app.post("/takeover", async (c) => {
    const { gap_ms: gapMs, ...cast } = schemas.takeoverSchema.parse(await bodyOf(c));
    return c.json(takeOver(state, { ...cast, gapMs }, { silent: isSilent(c) }));
  });
  return app;
};

/** Everything that changes what the org holds. */
export const changeRoutes = (state: OrgState): Hono =>
  new Hono()
    .route("/users", userRoutes(state))
    .route("/groups", groupRoutes(state))
    .route("/devices", deviceRoutes(state))
    .route("/", scenarioRoutes(state));
