/** What a sink says, made fit for a status, a log and a dead letter. */
import { redact } from "../lib/log.ts";

const mostCharacters = 300;

/**
 * A text on one line, without control characters, bounded, and without secrets: neither the given ones nor what the
 * log would mask.
 *
 * @param secrets values that must not show; blank ones and ones too short to be a secret are ignored.
 */
export const presentable = (text: string, secrets: readonly string[]): string => {
  // A secret that straddles the cut would show its first half, so secrets go first.
  const bounded = text.slice(0, 16_384);
  const open = [...secrets]
    .filter((secret) => secret.length >= 4)
    .sort((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), bounded);
  const clean = redact(open)
    .replace(/[\p{C}\s]+/gu, " ")
    .trim();
  return clean.length <= mostCharacters ? clean : `${clean.slice(0, mostCharacters - 1)}…`;
};
