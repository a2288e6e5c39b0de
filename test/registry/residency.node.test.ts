/** What is remembered of where the objects are, and what a change of it is told. */
import { describe, expect, test } from "vitest";
import type { ChosenResidency } from "../../src/contract/connections.ts";
import { chosenResidency, residencyProblems } from "../../src/registry/residency.ts";

const none: ChosenResidency = { jurisdiction: null, locationHint: null };
const eu: ChosenResidency = { jurisdiction: "eu", locationHint: null };
const fedramp: ChosenResidency = { jurisdiction: "fedramp", locationHint: null };
const west: ChosenResidency = { jurisdiction: null, locationHint: "weur" };
const both: ChosenResidency = { jurisdiction: "eu", locationHint: "weur" };

test.each<
  [
    string,
    ChosenResidency | null,
    ChosenResidency,
    { named: boolean; known: boolean },
    ChosenResidency | null,
  ]
>([
  ["a fresh deployment without a connection has not chosen", null, eu, { named: false, known: false }, null],
  ["with its first connection it chooses", null, eu, { named: true, known: false }, eu],
  ["so it does without the settings", null, none, { named: true, known: false }, none],
  ["so it does with a hint", null, both, { named: true, known: false }, both],
  ["a deployment from before has none", null, none, { named: true, known: true }, none],
  ["also under a jurisdiction", null, eu, { named: true, known: true }, none],
  ["also under a hint", null, west, { named: true, known: true }, none],
  ["also when its connections were taken out", null, eu, { named: false, known: true }, none],
  ["what is chosen stays", eu, eu, { named: true, known: false }, eu],
  ["under another setting", eu, fedramp, { named: true, known: false }, eu],
  ["under none", both, none, { named: true, known: false }, both],
  ["without a connection", eu, none, { named: false, known: false }, eu],
  ["with a hint, whose Registry knows the connections", west, west, { named: true, known: true }, west],
])("%s", (_, remembered, setting, { named, known }, chosen) => {
  expect(chosenResidency(remembered, setting, { hasConnections: named, hadConnections: known })).toEqual(
    chosen,
  );
});

describe("settings", () => {
  test.each<[ChosenResidency | null, ChosenResidency]>([
    [null, eu],
    [none, none],
    [both, { ...both }],
  ])("%j is what %j asks for", (chosen, setting) => {
    expect(residencyProblems(chosen, setting)).toEqual([]);
  });

  test.each<[ChosenResidency, ChosenResidency, Record<string, string[]>]>([
    [eu, fedramp, { DATA_JURISDICTION: ["with DATA_JURISDICTION eu", "fedramp now", "back to eu"] }],
    [eu, none, { DATA_JURISDICTION: ["with DATA_JURISDICTION eu", "not set now", "back to eu"] }],
    [
      none,
      eu,
      {
        DATA_JURISDICTION: [
          "without DATA_JURISDICTION",
          "eu now",
          "Take DATA_JURISDICTION out of the settings",
        ],
      },
    ],
    [west, { ...west, locationHint: "apac" }, { LOCATION_HINT: ["weur", "apac now", "back to weur"] }],
    [none, west, { LOCATION_HINT: ["without LOCATION_HINT", "weur now", "Take LOCATION_HINT out"] }],
    [both, none, { DATA_JURISDICTION: ["eu"], LOCATION_HINT: ["weur"] }],
  ])("%j is not what %j asks for", (chosen, setting, words) => {
    const problems = residencyProblems(chosen, setting);
    expect(problems.map((problem) => problem.setting)).toEqual(Object.keys(words));
    for (const { setting: name, message } of problems) {
      for (const word of words[name] ?? []) expect(message).toContain(word);
      // What it would mean, and the two other ways.
      expect(message).toContain("Durable Objects do not move");
      expect(message).toMatch(/take all connections out of the settings, purge them/);
      expect(message).toContain("another name of the Worker");
    }
  });

  test("another jurisdiction would begin an empty inventory, and another hint would not", () => {
    const [place] = residencyProblems(eu, fedramp);
    expect(place?.message).toMatch(/an empty inventory would begin in fedramp.*would stay in eu/);
    const [hint] = residencyProblems(west, none);
    expect(hint?.message).not.toContain("empty");
  });
});
