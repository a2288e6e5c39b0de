/**
 * A plain program on Okta's own client that reads what Sekoia.io's published connector reads, in its way: users,
 * and for each of them groups, factors and roles, and for each of their groups the group's roles, one call after
 * another and nothing remembered. The client repeats a 429 twice by itself, after the reset that Okta names; what
 * fails then is taken as empty, as there.
 */
import { Client } from "@okta/okta-sdk-nodejs";

export interface PeerResult {
  readonly users: number;
  /** Facts that were taken as empty because a call had failed. */
  readonly mistaken: number;
  readonly seconds: number;
}

const listed = async (collection: Promise<AsyncIterable<unknown>>): Promise<string[]> => {
  const ids: string[] = [];
  for await (const item of await collection) {
    // The client's collection ends with one empty value.
    if (item !== null && typeof item === "object") ids.push(String(Reflect.get(item, "id")));
  }
  return ids;
};

export const runPeer = async (
  orgUrl: string,
  onUser: (users: number) => void = () => {},
): Promise<PeerResult> => {
  const client = new Client({ orgUrl, token: "sim-token" });
  const startedAt = performance.now();
  let mistaken = 0;
  const orEmpty = async (ids: Promise<string[]>): Promise<string[]> => {
    try {
      return await ids;
    } catch {
      mistaken += 1;
      return [];
    }
  };
  let users = 0;
  for (const userId of await listed(client.userApi.listUsers({ limit: 200 }))) {
    const groups = await orEmpty(listed(client.userApi.listUserGroups({ userId })));
    await orEmpty(listed(client.userFactorApi.listFactors({ userId })));
    await orEmpty(listed(client.roleAssignmentApi.listAssignedRolesForUser({ userId })));
    for (const groupId of groups) {
      await orEmpty(listed(client.roleAssignmentApi.listGroupAssignedRoles({ groupId })));
    }
    users += 1;
    onUser(users);
  }
  return { users, mistaken, seconds: (performance.now() - startedAt) / 1000 };
};
