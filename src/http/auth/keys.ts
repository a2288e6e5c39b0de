/** Bearer keys. They are compared by their hashes, in constant time. */

import type { ApiKey, Rights } from "../../config/access.ts";
import { sha256 } from "../../lib/bytes.ts";

interface HashedKey {
  readonly hash: Uint8Array;
  readonly rights: Rights;
}

/** Holds values instead of promises, because one request must not await a promise that another request made. */
const hashed = new WeakMap<readonly ApiKey[], readonly HashedKey[]>();

const hashesOf = async (keys: readonly ApiKey[]): Promise<readonly HashedKey[]> => {
  const known = hashed.get(keys);
  if (known !== undefined) return known;
  const made = await Promise.all(keys.map(async ({ key, rights }) => ({ hash: await sha256(key), rights })));
  hashed.set(keys, made);
  return made;
};

/** A key of API_KEYS: its rights, and its place there, from 0. */
export interface JudgedKey {
  readonly rights: Rights;
  readonly index: number;
}

/**
 * The rights of a presented key, or null when it is not among `keys`. Nothing can be learned from the time that this
 * takes: hashes are of equal length whatever was presented, and the presented key is compared with every key.
 */
export const judgedKey = async (presented: string, keys: readonly ApiKey[]): Promise<JudgedKey | null> => {
  const [hash, ours] = await Promise.all([sha256(presented), hashesOf(keys)]);
  let found: JudgedKey | null = null;
  for (const [index, { hash: ofOurs, rights }] of ours.entries()) {
    const same = crypto.subtle.timingSafeEqual(hash, ofOurs);
    found = same ? { rights, index } : found;
  }
  return found;
};

/** The token of `Authorization: Bearer TOKEN` (RFC 6750); null when the header is anything else. */
export const bearerToken = (header: string): string | null =>
  /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header)?.[1] ?? null;
