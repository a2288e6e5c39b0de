/** DATA_JURISDICTION and LOCATION_HINT: what they take, and that no object is reached anywhere else. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  isMisplaced,
  MISPLACED,
  objectOf,
  readResidency,
  refuseMisplaced,
} from "../../src/config/residency.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Cloudflare's documentation of Durable Objects, "Data location". */
const hints = ["wnam", "enam", "sam", "weur", "eeur", "apac", "apac-ne", "apac-se", "oc", "afr", "me"];

describe("the settings", () => {
  test.each<[object, object]>([
    [{}, { jurisdiction: null, locationHint: null }],
    [
      { DATA_JURISDICTION: "", LOCATION_HINT: " " },
      { jurisdiction: null, locationHint: null },
    ],
    [{ DATA_JURISDICTION: "eu" }, { jurisdiction: "eu", locationHint: null }],
    [{ DATA_JURISDICTION: " fedramp " }, { jurisdiction: "fedramp", locationHint: null }],
    ...hints.map((hint): [object, object] => [
      { LOCATION_HINT: hint },
      { jurisdiction: null, locationHint: hint },
    ]),
  ])("%j are taken", (settings, value) => {
    expect(readResidency({ ...settings })).toEqual({ ok: true, value });
  });

  test.each<[string, unknown]>([
    ["DATA_JURISDICTION", "us"],
    ["DATA_JURISDICTION", "EU"],
    ["DATA_JURISDICTION", "europe"],
    ["DATA_JURISDICTION", true],
    ["DATA_JURISDICTION", ["eu"]],
    ["DATA_JURISDICTION", "fedramp-high"],
    ["LOCATION_HINT", "eu"],
    ["LOCATION_HINT", "Frankfurt"],
    ["LOCATION_HINT", {}],
  ])("%s=%j is refused, and names the right values", (name, value) => {
    const setting = readResidency({ [name]: value });
    if (setting.ok) throw new Error("taken");
    expect(setting.problems.map((problem) => problem.setting)).toEqual([name]);
    for (const right of name === "LOCATION_HINT" ? hints : ["eu", "fedramp"])
      expect(setting.problems[0]?.message).toMatch(new RegExp(`\\b${right}\\b`));
  });

  test("both that are wrong are named", () => {
    expect(readResidency({ DATA_JURISDICTION: "x", LOCATION_HINT: "y" })).toMatchObject({
      ok: false,
      problems: [{ setting: "DATA_JURISDICTION" }, { setting: "LOCATION_HINT" }],
    });
  });
});

/** A namespace that notes how its objects are reached. @param failure what Cloudflare answers to any jurisdiction */
const namespaceWith = (failure: unknown = null) => {
  const reached: unknown[] = [];
  const part = (jurisdiction: string | null) => ({
    getByName: (...how: unknown[]) => {
      reached.push([jurisdiction, ...how]);
      return {};
    },
    jurisdiction: (inside: string) => {
      if (failure !== null) throw failure;
      return part(inside);
    },
  });
  return { reached, namespace: part(null) as unknown as Env["OKTA_GATE"] }; // of a namespace, this is what is used
};

/** In the words of workerd, src/workerd/api/actor.c++. */
const notHere = new Error("Jurisdiction restrictions are not implemented in workerd.");

describe("an object", () => {
  test.each<[object, unknown[]]>([
    [{}, [null, "a"]],
    [{ LOCATION_HINT: "weur" }, [null, "a", { locationHint: "weur" }]],
    [{ DATA_JURISDICTION: "eu" }, ["eu", "a"]],
    [{ DATA_JURISDICTION: "fedramp", LOCATION_HINT: "enam" }, ["fedramp", "a", { locationHint: "enam" }]],
  ])("under %j", (settings, how) => {
    const { namespace, reached } = namespaceWith();
    objectOf(settings, namespace, "a");
    expect(reached).toEqual([how]);
  });

  test("in a runtime without jurisdictions is reached all the same, which the log tells once", () => {
    const lines = vi.spyOn(console, "warn").mockImplementation(() => {});
    const { namespace, reached } = namespaceWith(notHere);
    const env = { DATA_JURISDICTION: "eu", LOCATION_HINT: "weur" };
    objectOf(env, namespace, "a");
    objectOf(env, namespace, "b");
    expect(reached).toEqual([
      [null, "a", { locationHint: "weur" }],
      [null, "b", { locationHint: "weur" }],
    ]);
    expect(lines.mock.calls.map(([line]) => JSON.parse(line))).toMatchObject([
      { level: "warn", event: "jurisdiction_not_available", jurisdiction: "eu" },
    ]);
  });

  test.each<[string, unknown]>([
    ["another error", new Error("This account may not use this jurisdiction.")],
    ["a longer one", new Error(`${notHere.message} Or so.`)],
    ["what is no error", notHere.message],
    ["an overloaded Cloudflare", Object.assign(new Error("overloaded"), { overloaded: true })],
  ])("is not reached anywhere after %s", (_, failure) => {
    const { namespace, reached } = namespaceWith(failure);
    expect(() => objectOf({ DATA_JURISDICTION: "eu" }, namespace, "a")).toThrow();
    expect(reached).toEqual([]);
  });

  test.each([{ DATA_JURISDICTION: "us" }, { LOCATION_HINT: "moon" }])(
    "is not reached under the wrong setting %j",
    (settings) => {
      const { namespace, reached } = namespaceWith();
      expect(() => objectOf(settings, namespace, "a")).toThrow(Object.keys(settings)[0]);
      expect(reached).toEqual([]);
    },
  );
});

describe("an object that has woken", () => {
  test.each<[object, string | undefined, boolean]>([
    [{}, undefined, false],
    [{}, "eu", true],
    [{ DATA_JURISDICTION: "eu" }, "eu", false],
    [{ DATA_JURISDICTION: "eu" }, undefined, true],
    [{ DATA_JURISDICTION: "fedramp" }, "eu", true],
    [{ DATA_JURISDICTION: "nonsense" }, undefined, true],
    [{ LOCATION_HINT: "nonsense" }, undefined, true],
    // Nothing tells near where an object was made.
    [{ LOCATION_HINT: "weur" }, undefined, false],
    [{ DATA_JURISDICTION: "eu", LOCATION_HINT: "weur" }, "eu", false],
  ])("under %j in %j rests: %j", (settings, jurisdiction, rests) => {
    const { namespace, reached } = namespaceWith();
    const env = { ...settings, REGISTRY: namespace } as unknown as Env; // of an env, this is what is used
    const id = jurisdiction === undefined ? {} : { jurisdiction };
    expect(isMisplaced(env, id)).toBe(rests);
    const call = () => refuseMisplaced(env, id);
    if (rests) expect(call).toThrow(expect.objectContaining({ name: MISPLACED }));
    else expect(call).not.toThrow();
    expect(reached).toEqual([]);
  });

  test("works in a runtime without jurisdictions", () => {
    const { namespace } = namespaceWith(notHere);
    const env = { DATA_JURISDICTION: "eu", REGISTRY: namespace } as unknown as Env; // as above
    expect(isMisplaced(env, {})).toBe(false);
  });
});

test("nothing else in src gets hold of an object", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((path) =>
    /\.tsx?$/.test(path),
  );
  expect(files.length).toBeGreaterThan(100);
  const ways = /\b(getByName|idFromName|idFromString|newUniqueId|getExisting)\b/;
  const found = files.filter((path) => ways.test(readFileSync(join("src", path), "utf8")));
  expect(found).toEqual([join("config", "residency.ts")]);
});
