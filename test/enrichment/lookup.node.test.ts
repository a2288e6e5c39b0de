import { describe, expect, it, vi } from "vitest";
import { parseIdentifier } from "../../src/enrichment/identifier.ts";
import { limited } from "../../src/enrichment/limited.ts";
import { type LookupApi, lookUpAccount } from "../../src/enrichment/lookup.ts";
import { SingleFlight } from "../../src/enrichment/single-flight.ts";
import { err, ok } from "../../src/lib/result.ts";
import type { OktaError, OktaErrorCode } from "../../src/okta/errors.ts";

const error = (code: OktaErrorCode): OktaError => ({
  code,
  message: code,
  endpoint: "GET /api/v1/users/{id}",
  status: null,
  oktaErrorCode: null,
  retryAt: null,
});

const jane = {
  id: "00uJaneDoe1234567890",
  status: "ACTIVE",
  profile: { login: "jane@example.com", email: "j@x.org" },
};
const other = {
  id: "00uOther1234567890ab",
  status: "ACTIVE",
  profile: { login: "o@example.com", email: "j@x.org" },
};

const never = new Promise<void>(() => {});
const page = (...records: unknown[]) => ok({ records, next: null });

const api = (over: Partial<LookupApi> = {}): LookupApi => ({
  user: async () => ok(jane),
  users: async () => page(jane),
  userGroups: async () => page(),
  userFactors: async () => ok([]),
  userRoles: async () => ok([]),
  ...over,
});

const lookUp = (account: string, over: Partial<LookupApi> = {}, timeUp = never) => {
  const parsed = parseIdentifier(account);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return lookUpAccount(api(over), parsed.value, { now: () => 7, timeUp, attributes: [] });
};

describe("lookUpAccount", () => {
  it("does not take another account than the one that was asked for", async () => {
    const users = vi.fn(async () => page());
    expect(await lookUp("mallory@example.com", { users })).toEqual(ok({ found: "none" }));
    expect(users).toHaveBeenCalledWith({
      query: { search: 'profile.email eq "mallory@example.com"', limit: "200" },
    });
  });

  it("takes only those results of a search that really have the name", async () => {
    const user = async () => err(error("not_found"));
    expect(await lookUp("o@x.org", { user, users: async () => page(jane, other, { id: 4 }) })).toEqual(
      ok({ found: "none" }),
    );
    expect(await lookUp("j@x.org", { user, users: async () => page(jane, other) })).toEqual(
      ok({ found: "many", logins: ["jane@example.com", "o@example.com"] }),
    );
  });

  it("follows the pages of a search and of groups", async () => {
    const users: LookupApi["users"] = async (request) =>
      "next" in request ? page(other) : ok({ records: [jane], next: "n" });
    const many = await lookUp("j@x.org", { user: async () => err(error("not_found")), users });
    expect(many).toMatchObject({ value: { found: "many", logins: { length: 2 } } });
    const group = (n: number) => ({ id: `00g${n}`, profile: { name: `G${n}` } });
    const userGroups: LookupApi["userGroups"] = async (_, request) =>
      request !== undefined && "next" in request ? page(group(1)) : ok({ records: [group(2)], next: "n" });
    const found = await lookUp(jane.id, { userGroups });
    expect(found).toMatchObject({
      value: { account: { groups: { state: "known", value: ["G1", "G2"], at: 7 } } },
    });
  });

  it("treats a list without end as an error", async () => {
    const found = await lookUp(jane.id, { userGroups: async () => ok({ records: [], next: "n" }) });
    expect(found).toMatchObject({
      value: { account: { groups: { state: "unknown", reason: { code: "invalid_response" } } } },
    });
  });

  it.each([
    ["by its name", page({ id: "00g1", profile: { name: "Administrators" } }), "Administrators"],
    ["by its id while its name is unknown", err(error("forbidden")), "00g1"],
    ["by its id if it is not among the user's groups", page(), "00g1"],
  ])("names the group that gives a role %s", async (_, groups, group) => {
    const role = { type: "ORG_ADMIN", status: "ACTIVE" };
    const given = "https://acme.okta.com/api/v1/groups/00g1";
    const roles = [
      { ...role, id: "gra1", assignmentType: "GROUP", _links: { assignee: { href: given } } },
      {
        ...role,
        id: "ra1",
        assignmentType: "USER",
        _links: { assignee: { href: "https://x/api/v1/users/u" } },
      },
    ];
    const over = { userGroups: async () => groups, userRoles: async () => ok(roles) };
    expect(await lookUp(jane.id, over)).toMatchObject({
      value: {
        account: {
          adminRoles: { value: [expect.objectContaining({ assignment: "group", group }), { group: null }] },
        },
      },
    });
  });

  describe("of a user whose groups, factors and roles Okta does not know", () => {
    const gone = async () => err(error("not_found"));
    const withStatus = (status: string): Partial<LookupApi> => ({
      user: async () => ok({ ...jane, status }),
      userGroups: gone,
      userFactors: gone,
      userRoles: gone,
    });

    it("says that a deprovisioned one has none", async () => {
      const none = { state: "known", value: [], at: 7 };
      expect(await lookUp(jane.id, withStatus("DEPROVISIONED"))).toMatchObject({
        value: { account: { groups: none, factors: none, adminRoles: none } },
      });
    });

    it.each(["ACTIVE", "SUSPENDED", "STAGED"])("says that it is not known of an %s one", async (status) => {
      const unknown = { state: "unknown", reason: { code: "not_found" } };
      expect(await lookUp(jane.id, withStatus(status))).toMatchObject({
        value: { account: { groups: unknown, factors: unknown, adminRoles: unknown } },
      });
    });
  });

  it.each<[string, Partial<LookupApi>, boolean]>([
    ["alone", {}, true],
    ["shared", { users: async () => page(jane, other) }, false],
    ["another one's", { users: async () => page(other) }, false],
    ["impossible to check", { users: async () => err(error("rate_limited")) }, false],
    ["on more pages than one", { users: async () => ok({ records: [jane], next: "n" }) }, false],
  ])("an e-mail that is %s", async (_, over, emailIsUnique) => {
    expect(await lookUp(jane.id, over)).toMatchObject({ value: { emailIsUnique } });
  });

  it("asks for what may be an id as it is spelt, and takes the answer by that id alone", async () => {
    const user = vi.fn(async () => ok({ ...jane, id: "uA-1_x" }));
    expect(await lookUp(" uA-1_x ", { user })).toMatchObject({ value: { account: { id: "uA-1_x" } } });
    expect(user).toHaveBeenCalledWith("uA-1_x");
    expect(await lookUp("ua-1_x", { user, users: async () => page() })).toEqual(ok({ found: "none" }));
  });

  describe("where search knows no `or`", () => {
    const plain = (...records: unknown[]): LookupApi["users"] => {
      return async (request) => {
        const search = "query" in request ? (request.query["search"] ?? "") : "";
        return search.includes(" or ") ? err(error("bad_request")) : page(...records);
      };
    };
    const boss = { ...other, profile: { login: "j@x.org", email: "other@x.org" } };
    const byName =
      (named: unknown): LookupApi["user"] =>
      async (name) =>
        name === jane.id ? ok(jane) : named === null ? err(error("not_found")) : ok(named);

    it.each<[string, Partial<LookupApi>, boolean]>([
      ["alone", { users: plain(jane), user: byName(null) }, true],
      ["shared", { users: plain(jane, other), user: byName(null) }, false],
      ["another one's login", { users: plain(jane), user: byName(boss) }, false],
      ["answered with another account", { users: plain(jane), user: byName(other) }, true],
      [
        "impossible to check",
        { users: plain(jane), user: async (name) => (name === jane.id ? ok(jane) : err(error("timeout"))) },
        false,
      ],
    ])("an e-mail that is %s", async (_, over, emailIsUnique) => {
      expect(await lookUp(jane.id, over)).toMatchObject({ value: { emailIsUnique } });
    });
  });

  it("lets an e-mail that was searched for stand for the only account that has it", async () => {
    const user = async () => err(error("not_found"));
    expect(await lookUp("j@x.org", { user })).toMatchObject({ value: { emailIsUnique: true } });
  });

  it("asks nothing about an e-mail that is the login", async () => {
    const users = vi.fn(async () => page());
    const same = { ...jane, profile: { login: "Jane@example.com", email: "jane@EXAMPLE.com" } };
    expect(await lookUp(jane.id, { user: async () => ok(same), users })).toMatchObject({
      value: { emailIsUnique: true },
    });
    expect(users).not.toHaveBeenCalled();
  });

  it.each<[unknown]>([[null], [{}], [{ ...jane, id: "../x" }], [{ ...jane, profile: null }], ["html"]])(
    "a user like %j is an invalid response",
    async (record) => {
      expect(await lookUp(jane.id, { user: async () => ok(record) })).toMatchObject({
        error: { code: "invalid_response" },
      });
    },
  );

  it("answers with what it has when the time is up", async () => {
    const hanging = () => new Promise<never>(() => {});
    const found = await lookUp(jane.id, { user: hanging }, Promise.resolve());
    expect(found).toMatchObject({ error: { code: "timeout" } });
    let ring = () => {};
    const timeUp = new Promise<void>((resolve) => {
      ring = resolve;
    });
    const late = lookUp(jane.id, { userFactors: hanging, users: hanging }, timeUp);
    setTimeout(ring, 5);
    expect(await late).toMatchObject({
      value: {
        emailIsUnique: false,
        account: { groups: { state: "known" }, factors: { state: "unknown", reason: { code: "timeout" } } },
      },
    });
  });
});

describe("SingleFlight", () => {
  it("lets all who ask for a key share one piece of work, failures included, and forgets it at the end", async () => {
    const flights = new SingleFlight<number>();
    const work = vi.fn(async () => 1);
    expect(
      await Promise.all([flights.run("a", work), flights.run("a", work), flights.run("b", work)]),
    ).toEqual([1, 1, 1]);
    expect(work).toHaveBeenCalledTimes(2);
    const failing = flights.run("a", () => Promise.reject(new Error("x")));
    const joined = flights.run("a", work);
    await expect(failing).rejects.toThrow("x");
    await expect(joined).rejects.toThrow("x");
    expect(await flights.run("a", work)).toBe(1);
    expect(work).toHaveBeenCalledTimes(3);
  });
});

describe("limited", () => {
  it("runs at most so many at once, in order, and survives failures", async () => {
    const inTurn = limited(2);
    const order: number[] = [];
    let running = 0;
    let most = 0;
    const results = await Promise.allSettled(
      [1, 2, 3, 4, 5, 6].map((n) =>
        inTurn(async () => {
          running += 1;
          most = Math.max(most, running);
          order.push(n);
          await new Promise((resolve) => setTimeout(resolve, 1));
          running -= 1;
          if (n === 2) throw new Error("two");
          return n;
        }),
      ),
    );
    expect(most).toBe(2);
    expect(order).toEqual([1, 2, 3, 4, 5, 6]);
    expect(results.filter(({ status }) => status === "rejected")).toHaveLength(1);
  });
});
