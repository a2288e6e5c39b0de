/**
 * A simple program on Okta's own client that reads what Sekoia.io's published connector reads, in the same way: users;
 * for each user the groups, factors and roles; and for each of these groups its roles. It makes one call after another
 * and remembers nothing. The client itself repeats a 429 twice, after the reset that Okta names. What fails then is
 * taken as empty, as in that connector.
 */
import { Client } from "@okta/okta-sdk-nodejs";

export interface PeerResult {
  readonly users: number;
  /** Facts that were taken as empty because a call failed. */
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
