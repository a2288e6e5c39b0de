/**
 * Nothing that is unknown is shown as known: for random refusals, no output of the Worker claims a value for what Okta has
 * not told, whether it was known once or never. The oracle is what the org was told to refuse.
 */
import { reset } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { createRandom } from "../../dev/okta-org/org/random.ts";
import {
  apiKey,
  call,
  createOrg,
  inventory,
  type Json,
  newestById,
  partOf,
  partsOf,
  statusOf,
  sync,
} from "../support/org.ts";
import { seeds } from "../support/seeds.ts";
import { signedIn } from "../support/visit.ts";

afterEach(() => reset());

const CONNECTION = "t13";

const read = async <T>(path: string): Promise<T> => (await call(CONNECTION, "GET", path)).json();

const csvOf = async (path: string): Promise<Map<string, Record<string, string>>> => {
  const response = await exports.default.fetch(
    `https://connector.example.com${path}&connection=${CONNECTION}`,
    {
      headers: { authorization: `Bearer ${apiKey()}`, accept: "text/csv" },
    },
  );
  const [header = [], ...rows] = (await response.text())
    .trim()
    .split("\r\n")
    .map((line) =>
      [...line.matchAll(/"((?:[^"]|"")*)"|([^,]+)|(?<=,|^)(?=,|$)/g)].map(([, a, b]) => a ?? b ?? ""),
    );
  return new Map(
    rows.map((row) => {
      const fields = Object.fromEntries(header.map((name, index) => [name, row[index] ?? ""]));
      return [fields["id"] ?? "", fields];
    }),
  );
};

interface Case {
  /** Whose factors are refused. */
  readonly factorsOf: ReadonlySet<string>;
  readonly areRolesRefused: boolean;
  /** The groups that give roles. */
  readonly giving: ReadonlySet<string>;
}

const expectNothingClaimed = async (
  ids: readonly string[],
  { factorsOf, areRolesRefused, giving }: Case,
): Promise<void> => {
  const sekoia = newestById(await inventory(CONNECTION));
  const ocsf = newestById(await inventory(CONNECTION, { dialect: "ocsf" }));
  const list = "/v1/inventory/users/search?sort=name&limit=100&deleted=false";
  const { results } = await read<{ results: Json[] }>(list);
  const rows = new Map(results.map((row) => [String(row["id"]), row]));
  const csv = await csvOf(list);
  for (const id of ids) {
    const isMfaKnown = !factorsOf.has(id);
    const event = partOf(sekoia.get(id) ?? {}, "user");
    const strict = ocsf.get(id) ?? {};
    const user = partOf(strict, "user");
    const data = partOf(partsOf(strict, "enrichments")[0] ?? {}, "data");
    const claims = {
      event: event["has_mfa"] !== null,
      strict: Object.hasOwn(user, "has_mfa"),
      factors: Object.hasOwn(data, "factors"),
      row: rows.get(id)?.["mfa_enrolled"] !== null,
      resistant: rows.get(id)?.["phishing_resistant"] !== null,
      csv: csv.get(id)?.["mfa_enrolled"] !== "unknown",
    };
    expect({ id, ...claims }).toEqual({
      id,
      ...Object.fromEntries(Object.keys(claims).map((name) => [name, isMfaKnown])),
    });
    if (!areRolesRefused) continue;
    expect(event).toMatchObject({ type: null, type_id: null });
    expect(user).toMatchObject({ type: "Unknown", type_id: 0 });
    // Okta's list of groups itself tells which of them give nobody a role.
    for (const { uid, privileges } of partsOf(event, "groups"))
      expect(privileges).toEqual(giving.has(String(uid)) ? null : []);
    expect(Object.hasOwn(data, "roles")).toBe(false);
    expect(rows.get(id)).toMatchObject({ is_admin: null });
    expect(csv.get(id)?.["is_admin"]).toBe("unknown");
  }
};

const found = async (query: string): Promise<string[]> => {
  const { results, total } = await read<{ results: Json[]; total: number }>(
    `/v1/inventory/users/search?${query}&limit=100`,
  );
  expect(total).toBe(results.length);
  return results.map((row) => String(row["id"])).sort();
};

describe("for random refusals", () => {
  test.each(seeds(4))("of seed %i", async (seed) => {
    const random = createRandom(seed, "unknown");
    const org = await createOrg(CONNECTION, { users: 24, groups: 5, seed });
    // What was known once is as tempting as what never was.
    const isLost = random.chance(0.5);
    if (isLost) await sync(CONNECTION);
    const dump = await org.dump();
    const giving = new Set(dump.groups.filter(({ roles }) => roles.length > 0).map(({ id }) => id));
    const users = dump.users.filter(({ status }) => status !== "DEPROVISIONED");
    const areRolesRefused = random.chance(0.5);
    const some = new Set(users.filter(() => random.chance(0.3)).map(({ id }) => id));
    const areAllRefused = isLost || random.chance(0.3);
    const factorsOf = areAllRefused ? new Set(users.map(({ id }) => id)) : some;
    const roles = areRolesRefused ? (["roles", "assignees", "groupRoles"] as const) : [];
    await org.restrict({ forbid: [...roles, ...(areAllRefused ? ["factors"] : [])] });
    if (!areAllRefused)
      for (const id of some)
        await org.fault({ kind: "403", match: { path: `^/api/v1/users/${id}/factors` } });
    // Every user's factors are due.
    if (isLost) for (const { id } of users) await org.control("DELETE", `/users/${id}/factors`);
    await sync(CONNECTION, isLost ? "delta" : "full");
    if (isLost) await sync(CONNECTION, "full");

    const unknown = (await statusOf(CONNECTION)).assets.unknown;
    const ids = users.map(({ id }) => id);
    const wanted = isLost ? new Set(await found("unknown=factors")) : factorsOf;
    expect(unknown["factors"] ?? 0).toBe(wanted.size);
    if (isLost) expect(wanted.size).toBeGreaterThan(0);
    await expectNothingClaimed(ids, { factorsOf: wanted, areRolesRefused, giving });

    // Each list has whom it is sure of, and those left out are in the list of the unknown.
    const of = {
      enrolled: await found("mfa=enrolled"),
      not: await found("mfa=not_enrolled"),
      unknown: await found("mfa=unknown"),
      all: await found("deleted=false"),
    };
    expect(of.unknown).toEqual([...wanted].sort());
    expect([...of.enrolled, ...of.not, ...of.unknown].sort()).toEqual([...ids].sort());
    const admins = {
      yes: await found("admin=true"),
      no: await found("admin=false"),
      unknown: await found("admin=unknown"),
    };
    expect([...admins.yes, ...admins.no, ...admins.unknown].sort()).toEqual(of.all);
    if (areRolesRefused) expect(admins.unknown).toEqual(expect.arrayContaining(ids));

    // The summary counts the same, and so does the page.
    const summary = await read<Json>("/v1/inventory/users/summary");
    expect(summary["mfa"]).toEqual({
      enrolled: of.enrolled.length,
      not_enrolled: of.not.length,
      unknown: of.unknown.length,
    });
    expect(summary["admins"]).toMatchObject({ total: admins.yes.length, unknown: admins.unknown.length });
    const page = await signedIn();
    const answer = await page(`/console/inventory/users?mfa=unknown&limit=100&connection=${CONNECTION}`);
    expect(answer.status).toBe(200);
    const html = await answer.text();
    for (const { id, profile } of users)
      expect({ id, isListed: html.includes(String(profile["login"])) }).toEqual({
        id,
        isListed: wanted.has(id),
      });

    // A look-up that is refused says so, with what was known beside.
    const [someone = ""] = [...factorsOf];
    if (someone === "") return;
    const { okta } = await read<{ okta: Json }>(`/v1/enrichments/accounts/${someone}?refresh=true`);
    expect(partOf(okta, "extracted")).toMatchObject({
      mfa_enrolled: null,
      mfa_factors: null,
      phishing_resistant: null,
    });
    expect(partsOf(okta, "incomplete").map(({ field }) => field)).toContain("mfa_enrolled");
    if (areRolesRefused) expect(partOf(okta, "extracted")).toMatchObject({ is_admin: null });
  });
});
