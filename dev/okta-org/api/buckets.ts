/** The rate-limit buckets that the published traffic shows. */
export const BUCKETS = [
  "/api/v1/users",
  "/api/v1/users/{id}",
  "/api/v1/groups",
  "/api/v1/groups/{id}",
  "/api/v1/devices",
  "/api/v1/logs",
  "/api/v1",
  "/oauth2/v1",
] as const;
export type Bucket = (typeof BUCKETS)[number];

/** Okta's last published numbers of calls per minute. */
export const PUBLISHED_LIMITS: Record<Bucket, number> = {
  "/api/v1/users": 600,
  "/api/v1/users/{id}": 1000,
  "/api/v1/groups": 500,
  "/api/v1/groups/{id}": 1000,
  "/api/v1/devices": 100,
  "/api/v1/logs": 120,
  "/api/v1": 600,
  "/oauth2/v1": 600,
};
