/** The nth of many users, as Okta would describe it: for inventories that are filled without an org. */

export const userId = (n: number): string => `00u${String(n).padStart(17, "0")}`;

const statuses = ["ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "PROVISIONED", "LOCKED_OUT", "SUSPENDED"] as const;
const DAY_MS = 86_400_000;

/** A moment up to so many days before the first of November 2026, the same for the same user. */
const day = (n: number, days: number): string =>
  new Date(Date.UTC(2026, 10, 1) - ((n * 7_919) % days) * DAY_MS - (n % 86_400) * 1_000).toISOString();

export const userRecord = (n: number) => ({
  id: userId(n),
  status: n % 20 === 0 ? "DEPROVISIONED" : (statuses[(n * 31) % statuses.length] ?? "ACTIVE"),
  created: day(n, 2_000),
  activated: "2020-06-04T10:15:00.000Z",
  statusChanged: "2025-08-26T09:30:00.000Z",
  lastLogin: n % 10 === 1 ? null : day(n, 300),
  lastUpdated: "2025-08-26T09:30:00.000Z",
  passwordChanged: n % 12 === 5 ? null : day(n + 17, 800),
  profile: {
    firstName: `First${n}`,
    lastName: `Last${n}`,
    login: `first${n}.last${n}@example.com`,
    email: `first${n}.last${n}@example.com`,
    displayName: `First${n} Last${n}`,
    department: `Department ${n % 40}`,
    title: "Financial Analyst",
    mobilePhone: "+1-555-234-5678",
    employeeNumber: `EMP${n}`,
    city: "New York",
    countryCode: "US",
  },
});

const kinds = ["push", "token:software:totp", "sms", "webauthn", "email", "question"] as const;

/** None, one, two or three of six kinds; null if they are unknown. */
export const userFactors = (n: number) => {
  if (n % 50 === 7) return null;
  const mine = kinds.filter((_, index) => ((n * 13) >> (index % 4)) % 3 === 0 && index % 3 !== n % 3);
  return mine.map((factorType) => ({
    id: `${factorType}-${n}`,
    factorType,
    provider: "OKTA",
    status: "ACTIVE",
    created: "2024-06-04T10:15:00.000Z",
    lastUpdated: "2024-06-04T10:15:00.000Z",
  }));
};

export const userRole = (n: number) => ({
  id: `irb-${n}`,
  type: "HELP_DESK_ADMIN",
  label: "Help Desk Administrator",
  status: "ACTIVE",
  assignmentType: "USER",
});

/** The ids of the two groups that a user is in: one of a hundred, and one of ten that have everybody. */
export const groupsOfUser = (n: number): readonly [string, string] => [
  `00gsmall${String(Math.floor(n / 100)).padStart(12, "0")}`,
  `00glarge${String(n % 10).padStart(12, "0")}`,
];
