/** What a sink says, made fit for a status, a log and a dead letter. */
import { redact as masked } from "../lib/log.ts";

const mostCharacters = 300;

/**
 * Removes the given secrets from a text, and what the log would mask, puts it on one line without control characters, and bounds it.
 *
 * @param secrets values that must not show; blank ones and ones too short to be a secret are ignored.
 */
export const redact = (text: string, secrets: readonly string[]): string => {
  // A secret that straddles the cut would show its first half, so secrets go first.
  const bounded = text.slice(0, 16_384);
  const open = [...secrets]
    .filter((secret) => secret.length >= 4)
    .sort((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), bounded);
  const clean = masked(open)
    .replace(/[\p{C}\s]+/gu, " ")
    .trim();
  return clean.length <= mostCharacters ? clean : `${clean.slice(0, mostCharacters - 1)}…`;
};
