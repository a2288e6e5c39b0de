/** Bearer keys, compared by their hashes in constant time. */

import type { ApiKey, Rights } from "../../config/access.ts";
import { sha256 } from "../../lib/bytes.ts";

interface HashedKey {
  readonly hash: Uint8Array;
  readonly rights: Rights;
}

/** Values, not promises: a promise that one request made may not be awaited by another. */
const hashed = new WeakMap<readonly ApiKey[], readonly HashedKey[]>();

const hashesOf = async (keys: readonly ApiKey[]): Promise<readonly HashedKey[]> => {
  const known = hashed.get(keys);
  if (known !== undefined) return known;
  const made = await Promise.all(keys.map(async ({ key, rights }) => ({ hash: await sha256(key), rights })));
  hashed.set(keys, made);
  return made;
};

/**
 * The rights of a presented key, or null when it is none of ours. Hashes have one length whatever was
 * presented, each comparison takes the same time, and all of them are made, so that time tells nothing.
 */
export const rightsOfKey = async (presented: string, keys: readonly ApiKey[]): Promise<Rights | null> => {
  const [hash, ours] = await Promise.all([sha256(presented), hashesOf(keys)]);
  let rights: Rights | null = null;
  for (const key of ours) {
    const same = crypto.subtle.timingSafeEqual(hash, key.hash);
    rights = same ? key.rights : rights;
  }
  return rights;
};

/** The token of `Authorization: Bearer TOKEN` (RFC 6750); null when the header is anything else. */
export const bearerToken = (header: string): string | null =>
  /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header)?.[1] ?? null;
