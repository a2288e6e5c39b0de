/** An inventory that a later version has stored is neither read nor written, which is said, and nothing of it is lost. */
import { abortAllDurableObjects, reset, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test } from "vitest";
import { muteLog } from "../http/support.ts";
import { call, createOrg, streamStub } from "../support/org.ts";

beforeEach(muteLog);
afterEach(() => reset());

test("is refused with words until a version that knows it is deployed", async () => {
  await createOrg("t2", { users: 3 });
  const before = await (await call("t2", "GET", "/v1/streams/users")).json();
  const migrated = await runInDurableObject(streamStub("t2"), (_, { storage }) => {
    storage.sql.exec("INSERT INTO _migrations (n) VALUES (9999)");
    return storage.sql.exec("SELECT count(*) AS n FROM _migrations").one()["n"];
  });
  await abortAllDurableObjects();

  for (const path of ["/v1/streams/users", "/v1/inventory/users", "/v1/inventory/users/search"]) {
    const answer = await call("t2", "GET", path);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      code: "newer_data",
      detail: expect.stringMatching(/later version.*9999.*Deploy that version or a later one/),
    });
  }

  const left = await runInDurableObject(streamStub("t2"), (_, { storage }) => {
    const { n } = storage.sql.exec("SELECT count(*) AS n FROM _migrations").one();
    storage.sql.exec("DELETE FROM _migrations WHERE n = 9999");
    return n;
  });
  expect(left).toBe(migrated);
  await abortAllDurableObjects();
  expect(await (await call("t2", "GET", "/v1/streams/users")).json()).toMatchObject({
    inventory: (before as { inventory: string }).inventory,
  });
});
