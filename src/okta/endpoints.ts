/**
 * The Okta endpoints that we call, by template, and the rate-limit bucket that each is thought to drain. The
 * assignment follows published traffic (user lists and factors drain one bucket; groups, members and group
 * roles another). Where several of these buckets are one in an org, the gate finds out; see `gate/families.ts`.
 */
export const endpoints = {
  "GET /api/v1/users": "/api/v1/users",
  "GET /api/v1/users/{id}": "/api/v1/users/{id}",
  "GET /api/v1/users/{id}/groups": "/api/v1",
  "GET /api/v1/users/{id}/factors": "/api/v1/users",
  "GET /api/v1/users/{id}/roles": "/api/v1",
  "GET /api/v1/groups": "/api/v1/groups",
  "GET /api/v1/groups/{id}": "/api/v1/groups/{id}",
  "GET /api/v1/groups/{id}/users": "/api/v1/groups",
  "GET /api/v1/groups/{id}/roles": "/api/v1/groups",
  "GET /api/v1/iam/assignees/users": "/api/v1",
  "GET /api/v1/devices": "/api/v1/devices",
  "GET /api/v1/devices/{id}": "/api/v1/devices",
  "GET /api/v1/devices/{id}/users": "/api/v1/devices",
  "GET /api/v1/logs": "/api/v1/logs",
  "GET /.well-known/okta-organization": "/.well-known",
} as const;

export type Endpoint = keyof typeof endpoints;
export type Bucket = (typeof endpoints)[Endpoint];

export const bucketOf = (endpoint: Endpoint): Bucket => endpoints[endpoint];

/** The path of an endpoint. @param id for a template with `{id}`; encoded here, so that no id leads to another path */
export const pathOf = (endpoint: Endpoint, id = ""): string =>
  endpoint.replace(/^GET /, "").replace("{id}", encodeURIComponent(id));
