import { type Context, Hono } from "hono";
import type * as z from "zod";
import type { ChangeOptions } from "../changes/common.ts";
import * as devices from "../changes/devices.ts";
import * as factors from "../changes/factors.ts";
import * as groups from "../changes/groups.ts";
import * as roles from "../changes/roles.ts";
import * as users from "../changes/users.ts";
import type { OrgState } from "../org/state.ts";
import * as schemas from "./schemas.ts";

const optionsOf = (c: Context): ChangeOptions => ({ silent: c.req.query("silent") === "true" });

const bodyOf = async <S extends z.ZodType>(c: Context, schema: S): Promise<z.output<S>> => {
  const text = await c.req.text();
  return schema.parse(text === "" ? {} : JSON.parse(text));
};

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
    const { groups: groupIds, ...user } = await bodyOf(c, schemas.createUserSchema);
    const created = users.createUser(state, given(user), optionsOf(c));
    for (const id of groupIds) groups.addMember(state, id, created.id, optionsOf(c));
    return c.json(created, 201);
  });
  app.patch("/:id", async (c) => {
    const { profile } = await bodyOf(c, schemas.patchProfileSchema);
    return c.json(users.updateProfile(state, c.req.param("id"), profile, optionsOf(c)));
  });
  app.delete("/:id", (c) => {
    users.deleteUser(state, c.req.param("id"), optionsOf(c));
    return c.json(DONE);
  });
  app.post("/:id/factors", async (c) => {
    const factor = await bodyOf(c, schemas.createFactorSchema);
    return c.json(factors.enrolFactor(state, c.req.param("id"), factor, optionsOf(c)), 201);
  });
  app.post("/:id/factors/:fid/activate", (c) =>
    c.json(factors.activateFactor(state, c.req.param("id"), c.req.param("fid"), optionsOf(c))),
  );
  app.delete("/:id/factors/:fid?", (c) => {
    factors.resetFactors(state, c.req.param("id"), c.req.param("fid") ?? null, optionsOf(c));
    return c.json(DONE);
  });
  app.post("/:id/roles", async (c) => {
    const role = await bodyOf(c, schemas.createRoleSchema);
    return c.json(roles.grantUserRole(state, c.req.param("id"), role, optionsOf(c)), 201);
  });
  app.delete("/:id/roles/:rid?", (c) => {
    roles.revokeUserRoles(state, c.req.param("id"), c.req.param("rid") ?? null, optionsOf(c));
    return c.json(DONE);
  });
  app.post("/:id/:verb", (c) => {
    const { id, verb } = c.req.param();
    if (verb === "sign-in") return c.json(users.signIn(state, id, optionsOf(c)));
    if (verb === "password") return c.json(users.changePassword(state, id, optionsOf(c)));
    if (verb !== "delete") return c.json(users.changeStatus(state, id, verb, optionsOf(c)));
    users.deleteUser(state, id, optionsOf(c));
    return c.json(DONE);
  });
  return app;
};

const groupRoutes = (state: OrgState): Hono => {
  const app = new Hono();
  app.post("/", async (c) => {
    const { members, ...group } = await bodyOf(c, schemas.createGroupSchema);
    const created = groups.createGroup(state, given(group), optionsOf(c));
    for (const id of members) groups.addMember(state, created.id, id, optionsOf(c));
    return c.json(created, 201);
  });
  app.patch("/:id", async (c) => {
    const { profile } = await bodyOf(c, schemas.patchProfileSchema);
    return c.json(groups.updateGroup(state, c.req.param("id"), profile, optionsOf(c)));
  });
  app.delete("/:id", (c) => {
    groups.deleteGroup(state, c.req.param("id"), optionsOf(c));
    return c.json(DONE);
  });
  app.post("/:id/users/:uid", (c) => {
    groups.addMember(state, c.req.param("id"), c.req.param("uid"), optionsOf(c));
    return c.json(DONE);
  });
  app.delete("/:id/users/:uid", (c) => {
    groups.removeMember(state, c.req.param("id"), c.req.param("uid"), optionsOf(c));
    return c.json(DONE);
  });
  app.post("/:id/roles", async (c) => {
    const role = await bodyOf(c, schemas.createRoleSchema);
    return c.json(roles.grantGroupRole(state, c.req.param("id"), role, optionsOf(c)), 201);
  });
  app.delete("/:id/roles/:rid?", (c) => {
    roles.revokeGroupRoles(state, c.req.param("id"), c.req.param("rid") ?? null, optionsOf(c));
    return c.json(DONE);
  });
  return app;
};

const deviceRoutes = (state: OrgState): Hono => {
  const app = new Hono();
  app.post("/", async (c) => {
    const { users: links, ...device } = await bodyOf(c, schemas.createDeviceSchema);
    const created = devices.createDevice(state, given(device), optionsOf(c));
    for (const link of links) devices.linkUser(state, created.id, link, optionsOf(c));
    return c.json(created, 201);
  });
  app.patch("/:id", async (c) => {
    const { profile } = await bodyOf(c, schemas.patchProfileSchema);
    return c.json(devices.updateDevice(state, c.req.param("id"), profile));
  });
  app.delete("/:id", (c) => {
    devices.deleteDevice(state, c.req.param("id"), optionsOf(c));
    return c.json(DONE);
  });
  app.post("/:id/users", async (c) => {
    const link = await bodyOf(c, schemas.linkSchema);
    return c.json(devices.linkUser(state, c.req.param("id"), link, optionsOf(c)), 201);
  });
  app.delete("/:id/users/:uid", (c) => {
    devices.unlinkUser(state, c.req.param("id"), c.req.param("uid"), optionsOf(c));
    return c.json(DONE);
  });
  app.post("/:id/:verb", (c) => {
    const { id, verb } = c.req.param();
    if (verb !== "delete") return c.json(devices.changeDeviceStatus(state, id, verb, optionsOf(c)));
    devices.deleteDevice(state, id, optionsOf(c));
    return c.json(DONE);
  });
  return app;
};

/** Everything that changes what the org holds. */
export const changeRoutes = (state: OrgState): Hono =>
  new Hono()
    .route("/users", userRoutes(state))
    .route("/groups", groupRoutes(state))
    .route("/devices", deviceRoutes(state));
