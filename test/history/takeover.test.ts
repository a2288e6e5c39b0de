/** An account is taken over, and one delta run later the history tells how, in order and by whom. */
import { reset } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import type { Takeover } from "../../dev/okta-org/changes/takeover.ts";
import type { Change } from "../../src/contract/changes.ts";
import { enrichAt } from "../../src/enrichment/enrich-past.ts";
import { parseIdentifier } from "../../src/enrichment/identifier.ts";
import { noMaliceRules } from "../../src/enrichment/rules.ts";
import { type Machine, withMachine } from "../support/machine.ts";
import { createOrg, type DumpUser } from "../support/org.ts";
import { stopTime } from "../support/time.ts";

afterEach(() => reset());

const identifierOf = (text: string) => {
  const parsed = parseIdentifier(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
};

/** What a look-up says of the account as it was. @param at ISO 8601 */
const lookUpAt = async ({ stream }: Machine, account: string, at: string) => {
  const deps = {
    rules: noMaliceRules,
    mfaIgnored: [],
    attributes: [],
    past: async (name: string, ms: number) => stream.pastAccount(name, ms),
  };
  const { extracted, incomplete } = await enrichAt(deps, identifierOf(account), Date.parse(at));
  if (!("user_id" in extracted)) throw new Error("not found");
  return { extracted, unknown: incomplete.map(({ field }) => field) };
};

const activeFactors = ({ factors }: DumpUser) => factors.filter(({ status }) => status === "ACTIVE").length;

test("a takeover is told in order with its authors, and each moment in between can be asked for", async () => {
  stopTime();
  const org = await createOrg("t18", { users: 200, groups: 12, devices: 0, seed: 5 });
  await org.control("POST", "/clock", { stop: true });
  await withMachine({ org, stream: "users" }, async (machine) => {
    const run = async (kind: "full" | "delta") => {
      await machine.stream.startRun(kind);
      await machine.toRest();
    };
    await run("full");
    await run("delta");
    await machine.passTime(600_000);
    const before = await org.dump();
    const { user, helpdesk, steps } = await org.control<Takeover>("POST", "/takeover", {});
    const victim = before.users.find(({ id }) => id === user) ?? expect.fail();
    const desk = before.users.find(({ id }) => id === helpdesk) ?? expect.fail();
    // The org's clock has moved with it, and so has ours.
    const [first, second, third, fourth, fifth] = steps;
    if (!first || !second || !third || !fourth || !fifth) throw new Error("five steps");
    await machine.passTime(60_000);
    await run("delta");

    const page = machine.stream.changes.of(user, { limit: 100 }, machine.stream.keptSince);
    const told: readonly Change[] = page?.changes.toReversed() ?? [];
    expect(told.map(({ at }) => at)).toEqual([...told.map(({ at }) => at)].sort());
    const isOf = (field: string) => (change: Change) => change.fields.some((one) => one.field === field);
    const [mfa, role, group, email] = told;
    expect(told).toHaveLength(4);
    // Factors are read once after both, so the reset and the new factor are one change, with both events.
    expect(mfa && isOf("mfa_factors_detail")(mfa)).toBe(true);
    expect(mfa?.events.map(({ uuid }) => uuid)).toEqual([second.event?.uuid, first.event?.uuid]);
    expect(mfa?.events.map(({ actor }) => [actor?.id, actor?.ip])).toEqual([
      [user, second.ip],
      [helpdesk, first.ip],
    ]);
    expect(role && isOf("admin_roles")(role)).toBe(true);
    expect(group && isOf("groups")(group)).toBe(true);
    expect(email?.fields).toEqual([
      { field: "email", before: victim.profile["email"], after: fifth.changed["email"] },
    ]);
    for (const [change, step] of [
      [role, third],
      [group, fourth],
      [email, fifth],
    ] as const) {
      expect(change).toMatchObject({
        at: step.at,
        source: "log",
        actor: {
          id: step.actor.id,
          login: step.actor.alternateId,
          name: step.actor.displayName,
          ip: step.ip,
        },
        events: [{ uuid: step.event?.uuid, type: step.event?.type }],
      });
    }
    expect(role?.actor?.login).toBe(desk.profile["login"]);
    // The membership was known first, but it came later.
    expect(role?.fields).toContainEqual({ field: "is_admin", before: false, after: true });
    expect(role?.fields).toContainEqual({
      field: "admin_roles",
      added: ["Group Administrator"],
      removed: [],
    });
    expect(group?.fields.filter(({ field }) => field === "is_admin")).toEqual([]);

    const isAdminNow = (await org.dump()).users.find(({ id }) => id === user)?.roles.length !== 0;
    expect(isAdminNow).toBe(true);
    const at = async (iso: string) => lookUpAt(machine, user, iso);
    const just = (iso: string, ms: number) => new Date(Date.parse(iso) + ms).toISOString();
    const enrolled = activeFactors(victim);
    const was = await at(just(first.at, -1));
    expect(was.extracted.mfa_factors_detail).toHaveLength(enrolled);
    expect(was.extracted).toMatchObject({
      is_admin: false,
      email: victim.profile["email"],
      mfa_enrolled: true,
    });
    // Between the reset and the new factor: it is only known what was before and after both.
    const between = await at(just(first.at, 1_000));
    expect(between.extracted).toMatchObject({ mfa_enrolled: null, is_admin: false });
    expect(between.unknown).toContain("mfa_factors");
    const newFactor = await at(just(second.at, 1_000));
    expect(newFactor.extracted).toMatchObject({ mfa_factors: ["push"], is_admin: false });
    const admin = await at(just(third.at, 1_000));
    expect(admin.extracted).toMatchObject({ is_admin: true, admin_roles: ["Group Administrator"] });
    const name = before.groups.find(({ id }) => id === fourth.changed["group"])?.profile["name"];
    expect(admin.extracted.groups).not.toContain(name);
    const member = await at(just(fourth.at, 1_000));
    expect(member.extracted.groups).toContain(name);
    expect(member.extracted.email).toBe(victim.profile["email"]);
    const end = await at(just(fifth.at, 1_000));
    expect(end.extracted.email).toBe(fifth.changed["email"]);
    // Which devices somebody had is no part of the history.
    for (const { unknown } of [was, newFactor, admin, member, end]) expect(unknown).toEqual(["devices"]);
  });
});
