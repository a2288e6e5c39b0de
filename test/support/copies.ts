/** The dated copies that streams keep of each other, as look-ups and objects tell them, and what they should be. */
import { runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { CopiedAdministrator } from "../../src/contract/copies.ts";
import type { RunKind } from "../../src/contract/status.ts";
import type { StreamName } from "../../src/contract/streams.ts";
import type { OktaAnswer } from "../../src/enrichment/answer.ts";
import { DatedCopy } from "../../src/inventory/dated-copy.ts";
import { Facets } from "../../src/inventory/facets.ts";
import { Meta } from "../../src/inventory/meta.ts";
import {
  call,
  type DumpUser,
  expectedDevice,
  type OrgDump,
  partOf,
  streamStub,
  sync,
  untilIdle,
} from "./org.ts";

/** The copy that a stream keeps. */
const copyIn = <T>(connection: string, keeper: StreamName, read: (copy: DatedCopy) => T): Promise<T> =>
  runInDurableObject(streamStub(connection, keeper), (_object, { storage }) =>
    read(new DatedCopy(storage.sql, new Meta(storage.sql), new Facets(storage.sql, Date.now))),
  );

const otherThan = (stream: StreamName): StreamName => (stream === "users" ? "devices" : "users");

/** When the run ended that a stream's copy of the other one shows; null while there is none. */
export const copyDate = (connection: string, keeper: StreamName): Promise<number | null> =>
  copyIn(connection, keeper, (copy) => copy.at);

/** Runs a stream to its end, and waits until the other one has taken over what it has found. */
export const syncAndCopy = async (
  connection: string,
  stream: StreamName,
  kind: RunKind = "full",
): Promise<void> => {
  const { finished_at } = await sync(connection, kind, stream);
  const endedAt = Date.parse(finished_at ?? "");
  const keeper = otherThan(stream);
  await vi.waitFor(
    async () => {
      const at = await copyDate(connection, keeper);
      if (at !== endedAt) throw new Error(`the copy is of ${at}, not ${endedAt}`);
    },
    { timeout: 30_000, interval: 20 },
  );
  await untilIdle(connection, keeper);
};

/** A look-up that is asked of Okta. */
export const lookUp = async (connection: string, account: string, query = "?refresh=true") => {
  const path = `/v1/enrichments/accounts/${encodeURIComponent(account)}${query}`;
  const { okta }: { okta: OktaAnswer } = await (await call(connection, "GET", path)).json();
  return okta;
};

/** The devices that a look-up tells of; null while they are unknown. */
export const devicesTold = async (connection: string, account: string): Promise<unknown> => {
  const { extracted } = await lookUp(connection, account);
  return "devices" in extracted ? extracted.devices : undefined;
};

const textOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The devices of a user by the org's dump, in the order of look-ups. */
export const expectedDevices = ({ devices }: OrgDump, userId: string) =>
  devices
    .filter(({ users }) => users.some((link) => link.userId === userId))
    .map((device) => {
      const shown = partOf(expectedDevice(device), "device");
      const name = typeof shown["name"] === "string" ? shown["name"] : null;
      const platform = partOf(shown, "os")["name"];
      return {
        id: device.id,
        name,
        platform: platform === "" ? null : platform,
        managed: shown["is_managed"],
      };
    })
    .sort((a, b) => textOrder(a.name ?? "", b.name ?? "") || textOrder(a.id, b.id));

/** What the users stream's copy says of each of these users. */
export const devicesCopied = async (connection: string, userIds: readonly string[]) =>
  copyIn(connection, "users", (copy) =>
    Object.fromEntries(
      userIds.map((id) => [
        id,
        copy
          .devicesOf(id)
          ?.devices.toSorted((a, b) => textOrder(a.name ?? "", b.name ?? "") || textOrder(a.id, b.id)) ??
          null,
      ]),
    ),
  );

/** What the devices stream's copy says of each of these users; null: no administrator. */
export const administratorsCopied = (
  connection: string,
  userIds: readonly string[],
): Promise<Record<string, CopiedAdministrator | null>> =>
  copyIn(connection, "devices", (copy) =>
    Object.fromEntries(userIds.map((id) => [id, copy.administrator(id)])),
  );

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

/** A user who is an administrator by the org's dump; null for whoever is none. */
export const expectedAdministrator = ({ id, profile, roles }: DumpUser): CopiedAdministrator | null => {
  if (!roles.some(({ status }) => status === "ACTIVE")) return null;
  const login = text(profile["login"]);
  const names = [text(profile["firstName"]), text(profile["lastName"])].filter((name) => name !== null);
  const name = text(profile["displayName"]) ?? (names.length > 0 ? names.join(" ") : login);
  return { id, isAdmin: true, login, name };
};

/** Both copies are what the org's dump says. */
export const copiesAndDump = async (connection: string, dump: OrgDump) => {
  const ids = dump.users.map(({ id }) => id);
  return {
    copies: [await devicesCopied(connection, ids), await administratorsCopied(connection, ids)],
    expected: [
      Object.fromEntries(ids.map((id) => [id, expectedDevices(dump, id)])),
      Object.fromEntries(dump.users.map((user) => [user.id, expectedAdministrator(user)])),
    ],
  };
};
