/** The secret that Okta sends with event hooks. */
import { sha256 } from "../../lib/bytes.ts";

/**
 * Whether this is one of the secrets. Nothing can be learned from the time that it takes: hashes are of equal length
 * whatever was presented, and are compared in constant time.
 */
export const isHookSecret = async (presented: string, secrets: readonly string[]): Promise<boolean> => {
  const [hash, ...ours] = await Promise.all([presented, ...secrets].map(sha256));
  if (hash === undefined) return false;
  return ours.map((our) => crypto.subtle.timingSafeEqual(hash, our)).includes(true);
};
