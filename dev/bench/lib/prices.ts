/** Cloudflare's public prices and the limits of the free plan, as of 2026. What the paid plan includes is left out. */

/** US dollars each. */
export const PRICE = {
  request: 0.3e-6,
  objectRequest: 0.15e-6,
  gigabyteSecond: 12.5e-6,
  rowRead: 0.001e-6,
  rowWritten: 1e-6,
  kvRead: 0.5e-6,
  kvWrite: 5e-6,
  r2ClassA: 4.5e-6,
  /** A gigabyte for a month. */
  objectStorage: 0.2,
  kvStorage: 0.5,
  r2Storage: 0.015,
} as const;

/** The paid plan itself, US dollars a month. */
export const PAID_PLAN = 5;

/** The daily limits of the free plan. Those for storage and R2 are monthly. */
export const FREE = {
  requests: 100_000,
  objectRequests: 100_000,
  gigabyteSeconds: 13_000,
  rowsRead: 5_000_000,
  rowsWritten: 100_000,
  kvReads: 100_000,
  kvWrites: 1_000,
  r2ClassAMonth: 1_000_000,
  objectGigabytes: 5,
  kvGigabytes: 1,
  r2Gigabytes: 10,
} as const;

/** A Durable Object is billed as 128 MB, in GB. */
export const OBJECT_GB = 0.128;
