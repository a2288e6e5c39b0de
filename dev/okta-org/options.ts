import * as z from "zod";
import { BUCKETS } from "./api/buckets.ts";

/** An OAuth service app of the org. */
export const oauthClientSchema = z.strictObject({
  clientId: z.string().min(1),
  /** Public keys that the app signs its assertions with. */
  jwks: z.object({ keys: z.array(z.looseObject({ kty: z.string() })) }),
  /** Granted scopes; asking for others drops them silently. */
  scopes: z
    .array(z.string())
    .default([
      "okta.users.read",
      "okta.groups.read",
      "okta.roles.read",
      "okta.devices.read",
      "okta.logs.read",
      "okta.orgs.read",
    ]),
  /** Okta's default for new service apps. */
  dpop: z.boolean().default(true),
  /** False is a fresh app without an admin role: empty user lists, 403 on devices. */
  adminRole: z.boolean().default(true),
  tokenLifetimeSeconds: z.int().positive().default(3600),
});
export type OauthClient = z.output<typeof oauthClientSchema>;

/** What `forbid` can name: each becomes a 403 E0000006. */
const RESOURCES = [
  "users",
  "groups",
  "members",
  "userGroups",
  "factors",
  "roles",
  "groupRoles",
  "assignees",
  "devices",
  "logs",
  "org",
] as const;
export type Resource = (typeof RESOURCES)[number];

export const orgOptionsSchema = z.strictObject({
  users: z.int().min(0).default(1000),
  /** Everyone is one of them; 0 still makes Everyone. */
  groups: z.int().min(0).default(150),
  devices: z.int().min(0).default(1000),
  seed: z.int().default(1),
  /** The org's own id; null makes it from the seed. Orgs of one seed have all other ids in common. */
  orgId: z.string().nullable().default(null),
  /** Generated timestamps lie before this instant, so that a seed always makes the same org. */
  epoch: z.iso.datetime().default("2025-10-01T00:00:00.000Z"),
  /** The SSWS token; null accepts none. */
  token: z.string().nullable().default("sim-token"),
  /** Origin of every link; without it the origin of the request. */
  baseUrl: z.string().nullable().default(null),
  /** Another origin of the org, which `/.well-known/okta-organization` names beside its own. */
  alternate: z.string().nullable().default(null),
  /** Origin of links to the next page; without it that of all links. */
  nextOrigin: z.string().nullable().default(null),
  /** A search can be followed for so many results; the page after them is a 400. Null: to its end. */
  searchCap: z.int().positive().nullable().default(null),
  windowMs: z.int().positive().default(60_000),
  /** A record overrides single published numbers, keyed by bucket. */
  limits: z
    .union([z.enum(["published", "none"]), z.partialRecord(z.enum(BUCKETS), z.int().min(1))])
    .default("published"),
  /** Calls of the customer's other applications, counted at the start of every window, by bucket. */
  otherTraffic: z.partialRecord(z.enum(BUCKETS), z.int().min(0)).default({}),
  noRateLimitHeaders: z.boolean().default(false),
  /** Some endpoints send every rate-limit header twice, as Okta does. */
  duplicateRateLimitHeaders: z.boolean().default(true),
  concurrency: z.int().positive().default(75),
  latencyMs: z.number().min(0).default(0),
  pipeline: z.enum(["idx", "v1"]).default("idx"),
  /** `search` sees everything as it was this long ago, deleted objects included. */
  searchLagMs: z.int().min(0).default(0),
  /** All other lists see everything as it was this long ago: of objects, members, a user's groups, assignees. */
  listLagMs: z.int().min(0).default(0),
  /** Events become readable this much after they were published; with logShuffle, up to this much. */
  logDelayMs: z.int().min(0).default(0),
  /** Events that become readable together come in another order than they were published in. */
  logShuffle: z.boolean().default(false),
  /** Probability that an event is stored twice under one uuid. */
  logDuplicates: z.number().min(0).max(1).default(0),
  /** An event hook is delivered after this long at most. */
  hookDelayMs: z.int().min(0).default(0),
  /** Probability that an event hook is never delivered, and that it is delivered twice. */
  hookLoss: z.number().min(0).max(1).default(0),
  hookDoubles: z.number().min(0).max(1).default(0),
  everyoneIncludesDeprovisioned: z.boolean().default(false),
  assigneesIncludeGroupInherited: z.boolean().default(false),
  /** The assignees' next link is http, as in Okta's own example. */
  assigneesNextHttp: z.boolean().default(false),
  /** What a list of users does with `fields`; orgs without the feature ignore or refuse it. */
  fields: z.enum(["honoured", "ignored", "refused"]).default("honoured"),
  /** How far the server's clock is ahead of the real one. */
  clockOffsetMs: z.int().default(0),
  clients: z.array(oauthClientSchema).default([]),
  /** Resources that the credential may not read. */
  forbid: z.array(z.enum(RESOURCES)).default([]),
  /** 200 and an empty list of users, as for a credential without an admin role. */
  emptyLists: z.boolean().default(false),
});
export type OrgOptions = z.output<typeof orgOptionsSchema>;
/** The options that a caller may give. All of them have defaults. */
export type OrgOptionsInput = z.input<typeof orgOptionsSchema>;
