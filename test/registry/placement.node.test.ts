/** Asking the memory where the objects are: once while it is so, and never passing when it is not known. */
import { describe, expect, test, vi } from "vitest";
import type { ChosenResidency } from "../../src/contract/connections.ts";
import { placementOf } from "../../src/registry/placement.ts";

const org = { OKTA_BASE_URL: "https://company.okta.com", OKTA_API_TOKEN: "00token" };
const nowhere: ChosenResidency = { jurisdiction: null, locationHint: null };
const eu: ChosenResidency = { jurisdiction: "eu", locationHint: null };

type Answer = (setting: ChosenResidency, hasConnections: boolean) => Promise<ChosenResidency | null>;

/** An env with this memory, and how its objects are reached. */
const worldOf = (settings: object, answer: Answer) => {
  const residency = vi.fn(answer);
  const getByName = vi.fn((_name: string, _options?: object) => ({ residency }));
  const jurisdiction = vi.fn(() => expect.fail("no other object is needed"));
  const env = { ...settings, REGISTRY: { getByName, jurisdiction } };
  return { env: env as unknown as Env, residency, getByName }; // of an env, this is what is used
};

describe("the memory", () => {
  test("is the ordinary Registry, outside of any jurisdiction and without a hint", async () => {
    const settings = { ...org, DATA_JURISDICTION: "eu", LOCATION_HINT: "weur" };
    const { env, residency, getByName } = worldOf(settings, async (setting) => setting);
    const value = { jurisdiction: "eu", locationHint: "weur" };
    expect(await placementOf(env)).toEqual({ ok: true, value });
    expect(getByName.mock.calls).toEqual([["registry"]]);
    expect(residency.mock.calls).toEqual([[value, true]]);
  });

  test.each<[string, object, boolean]>([
    ["a connection", org, true],
    ["a connection with wrong settings", { OKTA_BASE_URL: "nonsense" }, true],
    ["connections that cannot be read", { CONNECTIONS: "[" }, true],
    ["none", {}, false],
  ])("hears whether there is any: %s", async (_, settings, has) => {
    const { env, residency } = worldOf(settings, async () => null);
    await placementOf(env);
    expect(residency.mock.calls).toEqual([[nowhere, has]]);
  });

  test("is asked once by an isolate as long as the settings are the choice", async () => {
    const { env, residency } = worldOf({ ...org, DATA_JURISDICTION: "eu" }, async () => eu);
    for (let n = 0; n < 3; n += 1) expect(await placementOf(env)).toMatchObject({ ok: true, value: eu });
    expect(residency).toHaveBeenCalledTimes(1);
  });

  test("is asked again as long as they are not, and as long as nothing is chosen", async () => {
    const refusing = worldOf(org, async () => eu);
    for (let n = 0; n < 2; n += 1)
      expect(await placementOf(refusing.env)).toMatchObject({
        ok: false,
        problems: [{ setting: "DATA_JURISDICTION" }],
      });
    expect(refusing.residency).toHaveBeenCalledTimes(2);
    const open = worldOf({}, async () => null);
    for (let n = 0; n < 2; n += 1) expect(await placementOf(open.env)).toMatchObject({ ok: true });
    expect(open.residency).toHaveBeenCalledTimes(2);
  });

  test("is not asked under wrong settings", async () => {
    const { env, getByName } = worldOf({ ...org, DATA_JURISDICTION: "moon" }, async () => null);
    expect(await placementOf(env)).toMatchObject({ ok: false, problems: [{ setting: "DATA_JURISDICTION" }] });
    expect(getByName).not.toHaveBeenCalled();
  });

  test.each<[string, object]>([
    ["a jurisdiction", { DATA_JURISDICTION: "eu" }],
    ["a hint", { LOCATION_HINT: "weur" }],
    ["none of them", {}],
  ])("that does not answer is no permission: %s", async (_, settings) => {
    let works = false;
    const { env } = worldOf({ ...org, ...settings }, async (setting) => {
      if (!works) throw new Error("unreachable");
      return setting;
    });
    await expect(placementOf(env)).rejects.toThrow("unreachable");
    works = true;
    expect(await placementOf(env)).toMatchObject({ ok: true });
  });

  /** In the words of workerd, src/workerd/api/worker-rpc.c++. */
  const unknownMethod = new TypeError('The RPC receiver does not implement the method "residency".');

  test("of the version before keeps a deployment without the settings from nothing", async () => {
    const { env, residency } = worldOf(org, async () => {
      throw unknownMethod;
    });
    expect(await placementOf(env)).toEqual({ ok: true, value: nowhere });
    // The next version is asked as soon as it is there.
    await placementOf(env);
    expect(residency).toHaveBeenCalledTimes(2);
  });

  test.each([{ DATA_JURISDICTION: "eu" }, { LOCATION_HINT: "weur" }])(
    "of the version before cannot permit %j",
    async (settings) => {
      const { env } = worldOf({ ...org, ...settings }, async () => {
        throw unknownMethod;
      });
      await expect(placementOf(env)).rejects.toThrow("does not implement");
    },
  );
});
