import type { Random } from "../org/random.ts";
import type { OktaUser, Profile, UserStatus } from "../org/types.ts";
import { CITIES, DEPARTMENTS, FIRST_NAMES, HARD_NAMES, LAST_NAMES, TITLES } from "./words.ts";

const DAY = 86_400_000;
const YEAR = 365 * DAY;

const STATUS_WEIGHTS: readonly (readonly [UserStatus, number])[] = [
  ["ACTIVE", 77],
  ["DEPROVISIONED", 8],
  ["SUSPENDED", 3],
  ["PROVISIONED", 4],
  ["STAGED", 3],
  ["LOCKED_OUT", 2],
  ["PASSWORD_EXPIRED", 2],
  ["RECOVERY", 1],
];

/** Small orgs have every status too: the users after the token's owner take one each. */
const statusOf = (random: Random, index: number): UserStatus => {
  const drawn = random.weighted(STATUS_WEIGHTS);
  if (index === 0) return "ACTIVE";
  return STATUS_WEIGHTS[index]?.[0] ?? drawn;
};

const timesOf = (
  random: Random,
  status: UserStatus,
  epoch: number,
): Omit<OktaUser, "id" | "status" | "type" | "profile"> => {
  const createdAt = epoch - DAY - random.int(5 * YEAR);
  // An instant after creation and before the epoch, biased to the recent past.
  const after = (from: number): number => epoch - Math.floor((epoch - from) * random.next() ** 2) - 1;
  const iso = (at: number): string => new Date(at).toISOString();
  const neverActive = status === "STAGED";
  const activatedAt = createdAt + random.int(DAY);
  const statusChangedAt = status === "ACTIVE" ? activatedAt : after(activatedAt);
  const noLogin = neverActive || status === "PROVISIONED" || random.chance(0.05);
  return {
    created: iso(createdAt),
    activated: neverActive ? null : iso(activatedAt),
    statusChanged: neverActive || random.chance(0.03) ? null : iso(statusChangedAt),
    lastLogin: noLogin ? null : iso(after(activatedAt)),
    lastUpdated: iso(Math.max(statusChangedAt, after(createdAt))),
    passwordChanged: neverActive || random.chance(0.08) ? null : iso(after(activatedAt)),
  };
};

const asciiPart = (name: string): string =>
  name
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/[^a-z]/g, "");

interface Names {
  firstName: string | null;
  lastName: string | null;
}

const namesOf = (random: Random, index: number): Names => {
  const firstName = random.pick(FIRST_NAMES);
  const lastName = random.pick(LAST_NAMES);
  if (index > 10 && index % 97 === 0) {
    const [first, last] = random.pick(HARD_NAMES);
    return { firstName: first, lastName: last };
  }
  const luck = random.next();
  if (luck < 0.01) return { firstName: null, lastName: null };
  if (luck < 0.02) return { firstName, lastName: null };
  if (luck < 0.03) return { firstName: null, lastName };
  return { firstName, lastName };
};

/** Login and e-mail: mostly one address, with the exceptions that connectors trip over. */
const addressesOf = (random: Random, index: number, names: Names): { login: string; email: string } => {
  const base = [names.firstName, names.lastName]
    .map((part) => asciiPart(part ?? ""))
    .filter(Boolean)
    .join(".");
  const local = `${base || "user"}${index}`;
  const address = `${local}@example.com`;
  const luck = random.next();
  if (index === 0) return { login: address, email: address };
  if (index % 211 === 3) return { login: `CORP/${local}`, email: address };
  // Two domains, one short name: ambiguous, so reachable by login or id only.
  const pair = `shared${Math.floor(index / 101)}`;
  if (index % 101 === 50) return { login: `${pair}@example.com`, email: address };
  if (index % 101 === 51) return { login: `${pair}@example.org`, email: address };
  if (index % 307 === 11) return { login: `svc-${local}`, email: `svc-${local}` };
  if (luck < 0.02) return { login: local, email: address };
  if (luck < 0.08) return { login: address, email: `${base || "user"}.${index}@mail.example.org` };
  if (luck < 0.1) return { login: address, email: `${local.toUpperCase()}@Sub.Example.COM` };
  return { login: address, email: address };
};

const profileOf = (random: Random, index: number, earlier: readonly OktaUser[]): Profile => {
  const names = namesOf(random, index);
  const profile: Profile = { ...names, ...addressesOf(random, index, names), secondEmail: null };
  const [city, state, countryCode] = random.pick(CITIES);
  if (random.chance(0.9)) profile["department"] = random.pick(DEPARTMENTS);
  if (random.chance(0.7)) profile["title"] = random.pick(TITLES);
  else if (random.chance(0.5)) profile["jobTitle"] = random.pick(TITLES);
  if (random.chance(0.25)) profile["organization"] = random.pick(["Example Corp", "Example Labs"]);
  if (random.chance(0.3)) {
    profile["displayName"] = [names.firstName, names.lastName].filter(Boolean).join(" ") || `User ${index}`;
  }
  if (random.chance(0.6)) Object.assign(profile, { city, state, countryCode });
  if (random.chance(0.8)) profile["mobilePhone"] = `+1-555-${String(1_000_000 + random.int(8_999_999))}`;
  else profile["mobilePhone"] = null;
  if (random.chance(0.85)) profile["employeeNumber"] = `EMP${String(index).padStart(5, "0")}`;
  if (random.chance(0.4)) profile["userType"] = random.pick(["Employee", "Contractor", "Service"]);
  const manager =
    earlier.length > 0 && random.chance(0.6) ? earlier[random.int(Math.min(earlier.length, 50))] : undefined;
  if (manager) {
    profile["managerId"] = manager.id;
    if (random.chance(0.8)) profile["manager"] = String(manager.profile["login"]);
  }
  if (random.chance(0.2)) profile["badgeColor"] = random.pick(["red", "green"]);
  if (random.chance(0.1)) profile["skills"] = ["first aid", "forklift"];
  if (random.chance(0.1)) profile["isContractor"] = random.chance(0.5);
  if (random.chance(0.05)) profile["floor"] = random.int(40);
  return profile;
};

/** The people of an org; the first one owns the API token. */
export const generateUsers = (random: Random, count: number, epoch: number, typeId: string): OktaUser[] => {
  const users: OktaUser[] = [];
  for (let index = 0; index < count; index++) {
    const status = statusOf(random, index);
    users.push({
      id: random.id("00u"),
      status,
      ...timesOf(random, status, epoch),
      type: { id: typeId },
      profile: profileOf(random, index, users),
    });
  }
  return users;
};
