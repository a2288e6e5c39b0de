/** What the documents list is what the code has. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { postureChecks } from "../src/contract/posture.ts";
import { sinkTypes } from "../src/delivery/sinks/index.ts";
import { allowance } from "../src/okta/gate/parts.ts";
import { streams } from "../src/streams/index.ts";
import { hookedTypes } from "../src/streams/log-effects.ts";

test("docs/event-hooks.md lists the event types that the streams follow and that Okta offers, each once", () => {
  const text = readFileSync("docs/event-hooks.md", "utf8");
  const [, list = ""] = /## Which events\n\n```\n([\s\S]*?)\n```/.exec(text) ?? [];
  const followed = Object.values(streams).flatMap(({ source }) => hookedTypes(source.logRules));
  expect(list.split("\n").sort()).toEqual([...new Set(followed)].sort());
});

test("docs/log-events.md says of each event type that a stream asks for what is read again", () => {
  const text = readFileSync("docs/log-events.md", "utf8");
  const sections = new Map(
    text.split(/^## /m).map((section): [string, string[]] => {
      const rows = section.split("\n").filter((line) => line.startsWith("| `"));
      const types = rows.flatMap((row) => (row.split("|")[1] ?? "").match(/[\w.]+[.*\w]/g) ?? []);
      return [/^.*/.exec(section)?.[0] ?? "", types];
    }),
  );
  const { Devices: ofDevices = [], ...ofUsers } = Object.fromEntries(sections);
  for (const [name, types] of [
    ["users", Object.values(ofUsers).flat()],
    ["devices", ofDevices],
  ] as const) {
    // A family stands for its members.
    const asked = Object.keys(streams[name].source.logRules).filter(
      (type) => !/^iam\.resourceset\.bindings\.(add|delete)$/.test(type),
    );
    expect(types.sort()).toEqual(asked.sort());
  }
});

test("docs/sinks.md and README.md describe each type of sink, and what its connection test proves", () => {
  const types = sinkTypes.map(({ type }) => type).sort();
  const text = readFileSync("docs/sinks.md", "utf8");
  const namesIn = (part: string, pattern: RegExp) =>
    [...part.matchAll(pattern)].map(([, name]) => name).sort();
  expect(namesIn(text, /^## `(\w+)`/gm)).toEqual(types);
  const [, proofs = ""] = text.split("## What a connection test proves");
  expect(namesIn(proofs, /^\| `(\w+)`/gm)).toEqual(types);
  const [, where = ""] = readFileSync("README.md", "utf8").split("## Where events go");
  expect(namesIn(where.split("\n## ")[0] ?? "", /^\| `(\w+)`/gm)).toEqual(types);
});

test("README.md says how long the factors of a first full run take, by the rule that divides Okta's limits", () => {
  const [, section = ""] = readFileSync("README.md", "utf8").split("### How long the first full run takes");
  const rows = (section.split("\n### ")[0] ?? "")
    .split("\n")
    .filter((line) => /^\| [\d,]+ \|/.test(line))
    .map((line) =>
      line.split("|").flatMap((cell) => (cell.trim() === "" ? [] : [Number(cell.replaceAll(",", ""))])),
    );
  expect(rows.length).toBeGreaterThan(3);
  for (const [limit = 0, share = 0, rate, ...minutes] of rows) {
    expect(rate).toBe(allowance(limit, share, "background"));
    expect(minutes).toEqual([1_000, 10_000, 100_000].map((users) => Math.ceil(users / Number(rate))));
  }
});

test("docs/posture.md lists each check with its severity, in the order in which they are told", () => {
  const text = readFileSync("docs/posture.md", "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map(([, id, severity]) => [id, severity]);
  expect(rows).toEqual(postureChecks.map(({ id, severity }) => [id, severity]));
});
