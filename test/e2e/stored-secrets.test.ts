/** After real work no row, key or value that is stored holds a secret of the settings. */
import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test } from "vitest";
import { apiKey, call, createOrg, streamStub, sync } from "../support/org.ts";

const CONNECTION = "t13";
/** The token that the simulated org takes, as the test settings give it. */
const TOKEN = "sim-token";

/** Every row of every table of an object, and what its key-value storage holds, as text. */
const storedText = (_: unknown, { storage }: DurableObjectState): string => {
  const tables = storage.sql
    .exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    )
    .toArray();
  const rows = tables.map(({ name }) => storage.sql.exec(`SELECT * FROM "${name}"`).toArray());
  return JSON.stringify([rows, [...storage.kv.list()]]);
};

afterEach(reset);

test("runs and look-ups leave no token and no key behind", async () => {
  const org = await createOrg(CONNECTION, { users: 20, groups: 4, devices: 5 });
  await sync(CONNECTION, "full", "users");
  await sync(CONNECTION, "full", "devices");
  const login = String((await org.dump()).users[0]?.profile["login"]);
  expect(
    (await call(CONNECTION, "GET", `/v1/enrichments/accounts/${encodeURIComponent(login)}`)).status,
  ).toBe(200);
  const cached = await env.ENRICHMENT_CACHE.list();
  const values = await Promise.all(cached.keys.map(({ name }) => env.ENRICHMENT_CACHE.get(name)));
  const stored = [
    await runInDurableObject(streamStub(CONNECTION, "users"), storedText),
    await runInDurableObject(streamStub(CONNECTION, "devices"), storedText),
    await runInDurableObject(env.OKTA_GATE.getByName(CONNECTION), storedText),
    JSON.stringify([cached.keys, values]),
  ];
  expect(stored[0]).toContain(login);
  for (const text of stored) {
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain(apiKey());
  }
});
