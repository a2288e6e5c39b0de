import { createRandom, hash32 } from "../org/random.ts";
import type { OktaFactor, OktaUser, Profile } from "../org/types.ts";

/** factorType, provider and profile of each kind a person may enrol, with how common it is. */
const KINDS: readonly (readonly [readonly [string, string], number])[] = [
  [["push", "OKTA"], 30],
  [["token:software:totp", "OKTA"], 18],
  [["token:software:totp", "GOOGLE"], 12],
  [["signed_nonce", "OKTA"], 12],
  [["webauthn", "FIDO"], 12],
  [["sms", "OKTA"], 8],
  [["email", "OKTA"], 8],
  [["call", "OKTA"], 3],
  [["question", "OKTA"], 3],
  [["token:hotp", "CUSTOM"], 1],
  [["token:hardware", "YUBICO"], 2],
  [["token", "RSA"], 1],
  [["token", "SYMANTEC"], 1],
  [["u2f", "FIDO"], 1],
  [["web", "DUO"], 3],
  [["claims_provider", "CUSTOM"], 1],
  [["quantum_badge", "CUSTOM"], 0.5],
];

const FACTOR_STATUSES: readonly (readonly [string, number])[] = [
  ["ACTIVE", 86],
  ["PENDING_ACTIVATION", 6],
  ["ENROLLED", 3],
  ["INACTIVE", 3],
  ["EXPIRED", 1],
  ["DISABLED", 1],
];

/** The profile that Okta shows with a factor of a type. */
export const factorProfile = (factorType: string, user: OktaUser): Profile => {
  const login = user.profile["login"] ?? null;
  if (factorType === "sms" || factorType === "call") return { phoneNumber: "+15555551234" };
  if (factorType === "email") return { email: user.profile["email"] ?? null };
  if (factorType === "question") return { question: "disliked_food", questionText: "Food you never liked?" };
  if (factorType === "webauthn") return { credentialId: String(login), authenticatorName: "Security key" };
  return { credentialId: String(login) };
};

/** Okta answers 404 on the factors of some DEPROVISIONED users and an empty list on those of others. */
export const factorsAreGone = (user: OktaUser): boolean =>
  user.status === "DEPROVISIONED" && hash32(user.id) % 2 === 0;

/** A user's factors, the same whenever they are asked for. */
export const generateFactors = (seed: number, user: OktaUser): OktaFactor[] => {
  if (user.status === "DEPROVISIONED" || user.status === "STAGED") return [];
  const random = createRandom(seed, `factors/${user.id}`);
  if (random.chance(0.12)) return [];
  const count = 1 + random.int(3);
  const factors: OktaFactor[] = [];
  const since = Date.parse(user.created);
  const span = Math.max(1, Date.parse(user.lastUpdated) - since);
  for (let i = 0; i < count; i++) {
    const [factorType, provider] = random.weighted(KINDS);
    if (factors.some((other) => other.factorType === factorType)) continue;
    const created = new Date(since + random.int(span)).toISOString();
    factors.push({
      id: random.id(factorType === "push" ? "opf" : "mfa"),
      factorType,
      provider,
      vendorName: provider,
      status: random.weighted(FACTOR_STATUSES),
      created,
      lastUpdated: created,
      profile: factorProfile(factorType, user),
    });
  }
  return factors;
};
