/** The devices stream's copy tells of each user what the users stream tells: an administrator, none, or unknown. */
import { reset } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import type { OrgOptionsInput } from "../../dev/okta-org/options.ts";
import { administratorsCopied, syncAndCopy } from "../support/copies.ts";
import { call, createOrg, sync } from "../support/org.ts";

const CONNECTION = "t12";
const SIZE = { users: 12, groups: 3, devices: 3, seed: 5 };

afterEach(() => reset());

/** Expects the copy to be what the search says of everybody. @returns the different standings that there are */
const expectSame = async (): Promise<ReadonlySet<boolean | null>> => {
  const response = await call(CONNECTION, "GET", "/v1/inventory/users/search?limit=100");
  const { results }: { results: { id: string; is_admin: boolean | null }[] } = await response.json();
  const copied = await administratorsCopied(
    CONNECTION,
    results.map(({ id }) => id),
  );
  const isAdmin = (id: string) => (copied[id] === null ? false : copied[id]?.isAdmin);
  expect(results.map(({ id }) => [id, isAdmin(id)])).toEqual(
    results.map(({ id, is_admin }) => [id, is_admin]),
  );
  return new Set(results.map(({ is_admin }) => is_admin));
};

const refusals: readonly NonNullable<OrgOptionsInput["forbid"]>[] = [
  ["roles", "assignees", "groupRoles"],
  ["assignees"],
  ["roles"],
  ["members", "userGroups"],
];

test.each(refusals.map((forbid) => [forbid]))(
  "after Okta has refused %j and answers again",
  async (forbid) => {
    const org = await createOrg(CONNECTION, SIZE);
    await sync(CONNECTION, "full", "devices");
    await syncAndCopy(CONNECTION, "users");
    expect(await expectSame()).toEqual(new Set([true, false]));
    await org.restrict({ forbid });
    await org.advance(60_000);
    await syncAndCopy(CONNECTION, "users");
    expect(await expectSame()).toContain(null);
    await org.restrict({ forbid: [] });
    await org.advance(60_000);
    await syncAndCopy(CONNECTION, "users");
    expect(await expectSame()).toEqual(new Set([true, false]));
  },
);

test("after groups were given roles and have lost them", async () => {
  const org = await createOrg(CONNECTION, SIZE);
  await sync(CONNECTION, "full", "devices");
  await syncAndCopy(CONNECTION, "users");
  const { groups } = await org.dump();
  for (const [method, body] of [["POST", { type: "READ_ONLY_ADMIN" }], ["DELETE"]] as const) {
    for (const { id } of groups) await org.change(method, `/groups/${id}/roles`, body);
    await org.advance(60_000);
    await syncAndCopy(CONNECTION, "users", "delta");
    await expectSame();
  }
});
