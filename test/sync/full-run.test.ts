import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { OrgOptionsInput } from "../../dev/okta-org/options.ts";
import {
  createOrg,
  differences,
  expectedDevices,
  expectedUsers,
  inventory,
  newestById,
  type OrgDump,
  statusOf,
  sync,
} from "../support/org.ts";

const CONNECTION = "t1";

afterEach(() => reset());

const usersDiffer = async (dump: OrgDump) =>
  differences(newestById(await inventory(CONNECTION)), expectedUsers(dump));

describe("a full run of the users stream", () => {
  test("every user of a thousand equals the org's dump", async () => {
    const org = await createOrg(CONNECTION, { users: 1000, groups: 150, devices: 10 });
    const run = await sync(CONNECTION);
    expect(run).toMatchObject({ state: "done", error: null });
    const dump = await org.dump();
    expect(new Set(dump.users.map(({ status }) => status)).size).toBe(8);
    expect(await usersDiffer(dump)).toEqual([]);
  });
});
