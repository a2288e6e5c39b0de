/** Facts that Okta's answers carry anyway: into events and look-ups, at no call, and custom attributes by setting. */
import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test } from "vitest";
import { connectionOf } from "../../src/config/connections.ts";
import { users } from "../../src/streams/users.ts";
import type { Stream } from "../../src/sync/stream.ts";
import { withStream } from "../support/lent-stream.ts";
import { createOrg, isJson, type Json, partOf, partsOf } from "../support/org.ts";

const CONNECTION = "t6";

afterEach(() => reset());

const work = async (stream: Stream): Promise<void> => {
  while (stream.runs().some(({ state }) => state === "running")) await stream.alarm();
};

const events = (stream: Stream): Map<string, Json> =>
  new Map(
    stream.events.page({ after: 0, limit: 10_000, dialect: "ocsf" }).events.map(({ assetId, json }) => {
      const event: unknown = JSON.parse(json);
      return [assetId, isJson(event) ? event : {}];
    }),
  );

/** The custom attributes of every user who has some, as the events have them. */
const attributesIn = (stream: Stream): Record<string, unknown> =>
  Object.fromEntries(
    [...events(stream)].flatMap(([id, event]) => {
      const { attributes } = partOf(event, "unmapped");
      return attributes === undefined ? [] : [[id, attributes]];
    }),
  );

test("custom attributes are those that the setting names, for everybody soon after the setting has changed", async () => {
  const org = await createOrg(CONNECTION, { users: 250, groups: 3 });
  const { users: people } = await org.dump();
  /** What the org's own dump says of these attributes. */
  const truth = (...names: string[]): Record<string, unknown> =>
    Object.fromEntries(
      people.flatMap(({ id, profile }) => {
        const set = names.filter((name) => profile[name] !== undefined);
        return set.length === 0 ? [] : [[id, Object.fromEntries(set.map((name) => [name, profile[name]]))]];
      }),
    );
  let profileAttributes: readonly string[] = [];
  const settings = () => {
    const connection = connectionOf(env, CONNECTION);
    return connection && { ...connection, profileAttributes };
  };
  const options = { connection: CONNECTION, stream: "users", definition: users, settings } as const;
  await withStream(options, async (stream) => {
    const calls = async () => (await org.stats()).calls;
    await stream.startRun("full");
    await work(stream);
    await stream.wake("delta");
    await work(stream);
    expect(attributesIn(stream)).toEqual({});
    profileAttributes = ["badgeColor", "floor", "skills"];
    const before = await calls();
    await stream.wake("delta");
    await work(stream);
    expect(Object.keys(truth("badgeColor", "floor", "skills")).length).toBeGreaterThan(20);
    expect(attributesIn(stream)).toEqual(truth("badgeColor", "floor", "skills"));
    const after = await calls();
    // Its own search, and two pages of everybody.
    expect((after["GET /api/v1/users"] ?? 0) - (before["GET /api/v1/users"] ?? 0)).toBe(3);
    const { head } = stream.inventory.assets;
    await stream.wake("delta");
    await work(stream);
    expect(stream.inventory.assets.head).toBe(head);
    expect(((await calls())["GET /api/v1/users"] ?? 0) - (after["GET /api/v1/users"] ?? 0)).toBe(1);

    // What is no longer named is gone, and what is named is kept by every way of reading.
    profileAttributes = ["isContractor"];
    const someone = people.find(
      ({ status, profile }) => status === "ACTIVE" && profile["floor"] !== undefined,
    );
    await org.change("PATCH", `/users/${someone?.id}`, { profile: { isContractor: true } });
    await stream.wake("delta");
    await work(stream);
    expect(attributesIn(stream)).toEqual({
      ...truth("isContractor"),
      [someone?.id ?? ""]: { isContractor: true },
    });
    await stream.startRun("full");
    await work(stream);
    expect(attributesIn(stream)).toHaveProperty(someone?.id ?? "", { isContractor: true });
  });
});

test("events tell when factors and roles were added, and the user's type, with no call more", async () => {
  const org = await createOrg(CONNECTION, { users: 40, groups: 4 });
  const [someone] = (await org.dump()).users.filter(({ status }) => status === "ACTIVE");
  await org.change("POST", `/users/${someone?.id}/roles`, { type: "CUSTOM", label: "Looks after printers" });
  const dump = await org.dump();
  await withStream({ connection: CONNECTION, stream: "users", definition: users }, async (stream) => {
    await stream.startRun("full");
    await work(stream);
    const found = events(stream);
    for (const user of dump.users) {
      const event = found.get(user.id) ?? {};
      const data = partOf(partsOf(event, "enrichments")[0] ?? {}, "data");
      expect(partOf(event, "unmapped")).toMatchObject({ user_type_id: expect.stringMatching(/^oty/) });
      if (user.status === "DEPROVISIONED") continue;
      const times = user.factors.map((factor) => Date.parse(String(Reflect.get(factor, "created"))));
      expect(
        partsOf(data, "factors")
          .map((factor) => factor["created_time"])
          .sort(),
      ).toEqual(times.sort());
      for (const role of user.roles) {
        const told = { label: role.label, created_time: Date.parse(String(Reflect.get(role, "created"))) };
        const set: unknown = Reflect.get(role, "resource-set");
        expect(partsOf(data, "roles")).toContainEqual(
          expect.objectContaining(set === undefined ? told : { ...told, resource_set: set }),
        );
      }
    }
  });
});
