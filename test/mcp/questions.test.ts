/** Twenty questions of an analyst, answered by the tools from the inventory, each right by the org's own dump. */
import { reset } from "cloudflare:test";
import type { Client } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Takeover } from "../../dev/okta-org/changes/takeover.ts";
import { syncAndCopy } from "../support/copies.ts";
import { call, createOrg, type DumpUser, type OrgDump, sync, type TestOrg } from "../support/org.ts";
import { long } from "../support/seeds.ts";
import { withClient } from "./support.ts";

const CONNECTION = "t14";
const DAY = 86_400_000;
const RESISTANT = ["webauthn", "u2f", "signed_nonce"];

let org: TestOrg;
let dump: OrgDump;
let takeover: Takeover;

beforeAll(async () => {
  org = await createOrg(CONNECTION, {
    users: long ? 10_000 : 800,
    groups: 30,
    devices: 200,
    seed: 9,
    epoch: new Date().toISOString(),
  });
  await sync(CONNECTION, "full", "users");
  await syncAndCopy(CONNECTION, "devices", "full");
  await syncAndCopy(CONNECTION, "users", "delta");
  // Okta's clock is known to the second, and what is of the second in which the history began may have been before it.
  await scheduler.wait(1_100);
  takeover = await org.control<Takeover>("POST", "/takeover", { gap_ms: 50 });
  await syncAndCopy(CONNECTION, "users", "delta");
  dump = await org.dump();
  await org.resetStats();
}, 300_000);

afterAll(() => reset());

type Row = Readonly<Record<string, unknown>>;

const ask = async (client: Client, name: string, args: Row = {}): Promise<Row> => {
  const answer = await client.callTool({ name, arguments: { connection: CONNECTION, ...args } });
  expect([name, answer.isError, answer.content]).toEqual([name, undefined, expect.any(Array)]);
  const { structuredContent } = answer;
  if (structuredContent === undefined) throw new Error("no structured content");
  return structuredContent as Row;
};

/** All rows of a list, page by page. */
const all = async (client: Client, name: string, key: string, args: Row): Promise<Row[]> => {
  const rows: Row[] = [];
  for (let cursor: unknown; ; ) {
    const page = await ask(client, name, { ...args, limit: 100, ...(cursor !== undefined && { cursor }) });
    rows.push(...(page[key] as Row[]));
    cursor = page["next_cursor"];
    if (cursor === null) return rows;
  }
};

const idsOf = (rows: readonly Row[]): unknown[] => rows.map(({ id }) => id).sort();
const active = <T extends { status: string }>(list: readonly T[]): T[] =>
  list.filter(({ status }) => status === "ACTIVE");
const isAdmin = ({ roles }: DumpUser): boolean => active(roles).length > 0;
const hasMfa = ({ factors }: DumpUser): boolean => active(factors).length > 0;
const people = (fits: (person: DumpUser) => boolean): string[] =>
  dump.users
    .filter(fits)
    .map(({ id }) => id)
    .sort();
const lives = ({ status }: DumpUser): boolean => status !== "DEPROVISIONED";
const victim = (): DumpUser => dump.users.find(({ id }) => id === takeover.user) ?? expect.fail();
const older = (at: string | null, days: number): boolean =>
  at !== null && Date.parse(at) < Date.now() - days * DAY;

const questions: readonly (readonly [string, (client: Client) => Promise<readonly [unknown, unknown]>])[] = [
  [
    "Which administrators have no phishing-resistant factor?",
    async (client) => [
      idsOf(await all(client, "list_administrators", "administrators", { phishing_resistant: false })),
      people(
        (one) =>
          lives(one) &&
          isAdmin(one) &&
          !active(one.factors).some(({ factorType }) => RESISTANT.includes(factorType)),
      ),
    ],
  ],
  [
    "Which administrators have no MFA at all?",
    async (client) => [
      idsOf(await all(client, "list_administrators", "administrators", { mfa: "not_enrolled" })),
      people((one) => lives(one) && isAdmin(one) && !hasMfa(one)),
    ],
  ],
  [
    "Who are the super administrators?",
    async (client) => [
      idsOf(await all(client, "list_administrators", "administrators", { role: "Super Administrator" })),
      people(({ roles }) => active(roles).some(({ label }) => label === "Super Administrator")),
    ],
  ],
  [
    "Which roles does each administrator have, and through what?",
    async (client) => [
      (await all(client, "list_administrators", "administrators", {}))
        .map(({ id, roles }) => [
          id,
          (roles as Row[]).map(({ label, assignment }) => `${label}/${assignment}`).sort(),
        ])
        .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
      dump.users
        .filter(isAdmin)
        .map(({ id, roles }) => [
          id,
          active(roles)
            .map(({ label, assignmentType }) => `${label}/${assignmentType.toLowerCase()}`)
            .sort(),
        ])
        .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    ],
  ],
  [
    "Who reset the MFA of this account last night, and from where?",
    async (client) => {
      const [reset] = takeover.steps;
      const { changes } = await ask(client, "recent_changes", {
        account: takeover.user,
        fields: ["mfa_factors"],
      });
      const events = (changes as Row[]).flatMap(({ events: told }) => told as Row[]);
      const event = events.find(({ type }) => type === "user.mfa.factor.reset_all");
      const actor = event?.["actor"] as Row;
      return [
        [actor?.["id"], actor?.["ip"]],
        [takeover.helpdesk, reset?.ip],
      ];
    },
  ],
  [
    "What has this administrator changed?",
    async (client) => {
      const { changes } = await ask(client, "recent_changes", { actor: takeover.helpdesk });
      return [[...new Set((changes as Row[]).map(({ id }) => id))], [takeover.user]];
    },
  ],
  [
    "Who became an administrator this week?",
    async (client) => {
      const { found } = await ask(client, "posture", { check: "new_admin_7d" });
      return [idsOf(found as Row[]).includes(takeover.user), true];
    },
  ],
  [
    "Has this account a new factor, and of which kind?",
    async (client) => {
      const { account } = await ask(client, "explain_account", { account: takeover.user });
      return [[...((account as Row)["mfa_factors"] as string[])].length, active(victim().factors).length];
    },
  ],
  [
    "What should somebody do about this account?",
    async (client) => {
      const { next_steps } = await ask(client, "explain_account", { account: takeover.user });
      const actions = (next_steps as Row[]).map(({ action }) => action);
      return [
        ["confirm_with_the_person", "reset_authenticators", "review_roles"].filter((action) =>
          actions.includes(action),
        ),
        ["confirm_with_the_person", "reset_authenticators", "review_roles"],
      ];
    },
  ],
  [
    "Whose laptop is this?",
    async (client) => {
      const device =
        dump.devices.find(({ users, profile }) => users.length > 0 && profile["serialNumber"]) ??
        expect.fail();
      const { devices } = await ask(client, "device_owner", { device: device.profile["serialNumber"] });
      const [first] = devices as Row[];
      return [
        [first?.["id"], first?.["exact"], idsOf(first?.["users"] as Row[])],
        [device.id, true, device.users.map(({ userId }) => userId).sort()],
      ];
    },
  ],
  [
    "Is its owner an administrator?",
    async (client) => {
      const device = dump.devices.find(({ users }) => users.length === 1) ?? expect.fail();
      const { devices } = await ask(client, "device_owner", { device: device.id });
      const [first] = devices as Row[];
      const [person] = (first?.["people"] ?? []) as Row[];
      const owner = dump.users.find(({ id }) => id === device.users[0]?.userId);
      return [person?.["is_admin"], owner === undefined ? undefined : isAdmin(owner)];
    },
  ],
  [
    "Which devices does this person have?",
    async (client) => {
      const owner = dump.devices.find(({ users }) => users.length > 0)?.users[0]?.userId ?? "";
      const { account } = await ask(client, "explain_account", { account: owner });
      return [
        idsOf((account as Row)["devices"] as Row[]),
        dump.devices
          .filter(({ users }) => users.some(({ userId }) => userId === owner))
          .map(({ id }) => id)
          .sort(),
      ];
    },
  ],
  [
    "How many active accounts have no MFA?",
    async (client) => {
      const { checks } = await ask(client, "posture");
      const check = (checks as Row[]).find(({ id }) => id === "active_without_mfa");
      return [check?.["count"], people((one) => one.status === "ACTIVE" && !hasMfa(one)).length];
    },
  ],
  [
    "Who has only factors that can be phished by a text message or a call?",
    async (client) => [
      idsOf(await all(client, "find_accounts", "results", { posture: "weak_mfa_only" })),
      people(
        (one) =>
          lives(one) &&
          hasMfa(one) &&
          active(one.factors).every(({ factorType }) =>
            ["sms", "call", "email", "question"].includes(factorType),
          ),
      ),
    ],
  ],
  [
    "Which accounts are locked out?",
    async (client) => [
      idsOf(await all(client, "find_accounts", "results", { status: "LOCKED_OUT" })),
      people(({ status }) => status === "LOCKED_OUT"),
    ],
  ],
  [
    "Which active accounts has nobody used for 90 days?",
    async (client) => [
      idsOf(await all(client, "find_accounts", "results", { dormant_days: 90, sort: "last_login" })),
      people(({ status, lastLogin }) => status === "ACTIVE" && older(lastLogin, 90)),
    ],
  ],
  [
    "Who in Engineering is an administrator?",
    async (client) => [
      idsOf(await all(client, "find_accounts", "results", { department: "engineering", admin: true })),
      people((one) => isAdmin(one) && String(one.profile["department"]).toLowerCase() === "engineering"),
    ],
  ],
  [
    "Which suspended people still have a role?",
    async (client) => [
      idsOf(await all(client, "find_accounts", "results", { status: "SUSPENDED", admin: true })),
      people((one) => one.status === "SUSPENDED" && isAdmin(one)),
    ],
  ],
  [
    "Is what you know of this account current?",
    async (client) => {
      const { account, streams } = await ask(client, "inventory_health", { account: takeover.user });
      const { found, facts } = account as Row;
      const ages = (facts as Row[]).map(
        ({ known, age_seconds }) => known === true && Number(age_seconds) < 600,
      );
      return [
        [found, ages, (streams as Row[]).map(({ current_as_of }) => typeof current_as_of)],
        ["one", [true, true, true, true, true], ["string", "string"]],
      ];
    },
  ],
  [
    "Does anybody of this name exist?",
    async (client) => {
      const { found } = await ask(client, "explain_account", { account: "nobody.at.all@example.com" });
      return [found, "none"];
    },
  ],
];

describe("an analyst's question", () => {
  test.each(questions)("%s", async (_, question) => {
    for (const era of ["modern", "legacy"] as const) {
      const [told, expected] = await withClient(era, question);
      expect(told).toEqual(expected);
    }
  });

  test("has cost Okta nothing", async () => {
    const { total } = await org.stats();
    expect(total).toBe(0);
  });

  test("a look-up costs calls, and answers what the route answers", async () => {
    const path = `/v1/enrichments/accounts/${takeover.user}?refresh=true`;
    const { okta } = await (await call(CONNECTION, "GET", path)).json<{ okta: Row }>();
    const told = await withClient("modern", (client) =>
      ask(client, "lookup_account", { account: takeover.user, refresh: true }),
    );
    const { enriched_at: _, facts_as_of: __, ...rest } = okta;
    expect(told).toMatchObject(rest);
    expect((await org.stats()).total).toBeGreaterThan(4);
  });
});
