/** What the documents list is what the code has. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { postureChecks } from "../src/contract/posture.ts";
import { sinkTypes } from "../src/delivery/sinks/index.ts";
import { maxBodyBytes } from "../src/http/bounds.ts";
import { VERSION } from "../src/lib/version.ts";
import { tools } from "../src/mcp/tools/index.ts";
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

describe("docs/agents.md", () => {
  const [, part = ""] = readFileSync("docs/agents.md", "utf8").split("\n## The tools\n");
  const [common = "", ...sections] = (part.split("\n## ")[0] ?? "").split(/^### /m);
  const sectionOf = (name: string) => sections.find((section) => section.startsWith(`\`${name}\``)) ?? "";

  /** The names in the first column of a table of arguments. */
  const namedIn = (text: string) => [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);

  /** Every name of a field, however deep it is in the schema. */
  const fieldsIn = (schema: unknown): string[] => {
    if (Array.isArray(schema)) return schema.flatMap(fieldsIn);
    if (schema === null || typeof schema !== "object") return [];
    const own = "properties" in schema ? Object.keys(schema.properties ?? {}) : [];
    return [...own, ...Object.values(schema).flatMap(fieldsIn)];
  };
  const argumentsOf = (input: z.ZodType) =>
    Object.keys(z.toJSONSchema(input, { io: "input" }).properties ?? {});
  const keysIn = (value: unknown): string[] => {
    if (Array.isArray(value)) return value.flatMap(keysIn);
    if (value === null || typeof value !== "object") return [];
    return Object.entries(value).flatMap(([key, inner]) => [key, ...keysIn(inner)]);
  };

  /** The JSON after this line. */
  const examplesIn = (section: string, line: string): unknown[] =>
    [...section.matchAll(new RegExp(`^${line}:\n\n\`\`\`json\n([\\s\\S]*?)\n\`\`\``, "gm"))].map(
      ([, json = ""]) => JSON.parse(json),
    );

  test("has a section for each tool, in the order in which agents are shown them, and says what it costs", () => {
    const names = sections.map((section) => /^`(\w+)`$/m.exec(section)?.[1]);
    expect(names).toEqual(tools.map(({ name }) => name));
    for (const { name, asksOkta } of tools) {
      const cost =
        asksOkta === true
          ? /^- \*\*Cost\*\*: up to \d calls to Okta/m
          : /^- \*\*Cost\*\*: no call to Okta\./m;
      expect(sectionOf(name)).toMatch(cost);
      expect(sectionOf(name)).toContain("**It cannot know**");
    }
  });

  test.each(tools)("names the arguments that $name has, and no others", ({ name, input }) => {
    const named = [...namedIn(sectionOf(name)), ...namedIn(common)];
    expect(named.sort()).toEqual(argumentsOf(input).sort());
  });

  test.each(tools)(
    "shows arguments that $name takes, and fields that it answers with",
    ({ name, input, output }) => {
      const asked = examplesIn(sectionOf(name), "Arguments");
      expect(asked.length).toBeGreaterThan(0);
      for (const example of asked) {
        expect(input.safeParse(example).error).toBeUndefined();
      }
      const answered = examplesIn(sectionOf(name), "Answer");
      expect(answered.length).toBe(asked.length);
      const known = new Set(fieldsIn(z.toJSONSchema(output)));
      expect(keysIn(answered).filter((key) => !known.has(key))).toEqual([]);
    },
  );

  test("says the limits that requests and answers have", () => {
    const [, limits = ""] = readFileSync("docs/agents.md", "utf8").split("\n## Limits\n");
    expect(limits).toContain(`| the body of a request | ${maxBodyBytes / 1024} KiB |`);
    for (const { input } of tools) {
      const { limit } = z.toJSONSchema(input, { io: "input" }).properties ?? {};
      expect(limit).toMatchObject({ default: expect.any(Number), maximum: expect.any(Number) });
      const { default: usual, maximum } = limit as { default: number; maximum: number };
      expect(limits).toContain(`| \`limit\`: ${usual} unless given, at most ${maximum} |`);
    }
  });
});

test("the product has the version that package.json has", () => {
  expect(VERSION).toBe(JSON.parse(readFileSync("package.json", "utf8")).version);
});
