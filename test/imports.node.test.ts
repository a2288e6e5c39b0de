/** The import rules are checked by `npm run imports`; this shows that they notice what they are there for. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";

const run = promisify(execFile);
const cruiser = resolve("node_modules/dependency-cruiser/bin/dependency-cruiser.mjs");

let house: string;
beforeEach(async () => {
  house = await mkdtemp(join(tmpdir(), "house-"));
});
afterEach(() => rm(house, { recursive: true }));

/** Names of the rules that these files break, sorted. */
const broken = async (files: Readonly<Record<string, string>>): Promise<string[]> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(house, path)), { recursive: true });
    await writeFile(join(house, path), text);
  }
  const config = resolve(".dependency-cruiser.mjs");
  const { stdout } = await run(
    process.execPath,
    [cruiser, "src", "--config", config, "--output-type", "json"],
    { cwd: house },
  ).catch((failed: { stdout: string }) => failed);
  const { summary }: { summary: { violations: { rule: { name: string } }[] } } = JSON.parse(stdout);
  return [...new Set(summary.violations.map(({ rule }) => rule.name))].sort();
};

/** A house in order, with one room changed. */
const withRoom = (path: string, text: string) => ({
  "src/index.ts": 'import "./http/app.ts";\n',
  "src/http/app.ts": 'import "../sync/stream.ts";\n',
  "src/sync/stream.ts": 'import "../delivery/sink.ts";\nimport "../lib/log.ts";\n',
  "src/delivery/sink.ts": 'import "../lib/log.ts";\n',
  "src/lib/log.ts": "export type Level = string;\nexport const log = 1;\n",
  [path]: text,
});

test("a house in order", async () => {
  expect(await broken(withRoom("src/lib/log.ts", "export const log = 1;\n"))).toEqual([]);
});

test.each([
  [
    "a type import back up",
    "src/lib/log.ts",
    'import type { X } from "../http/app.ts";\n',
    "lib-imports-down",
  ],
  [
    "neighbours the other way",
    "src/delivery/sink.ts",
    'import "../sync/stream.ts";\n',
    "delivery-imports-down",
  ],
  ["the entry imported", "src/lib/log.ts", 'import "../index.ts";\n', "entry-is-last"],
  ["an import that leads nowhere", "src/lib/log.ts", 'import "./gone.ts";\n', "resolvable"],
])("%s", async (_what, path, text, rule) => {
  expect(await broken(withRoom(path, text))).toContain(rule);
});

test("two files that lead to each other", async () => {
  const files = withRoom("src/lib/log.ts", 'import "./time.ts";\n');
  expect(await broken({ ...files, "src/lib/time.ts": 'import "./log.ts";\n' })).toEqual(["no-circle"]);
});

test("a file that nothing reaches, and a room without a step", async () => {
  expect(await broken(withRoom("src/lib/lonely.ts", "export const lonely = 1;\n"))).toEqual(["no-orphan"]);
  const files = withRoom("src/http/app.ts", 'import "../attic/box.ts";\nimport "../sync/stream.ts";\n');
  expect(await broken({ ...files, "src/attic/box.ts": "export const box = 1;\n" })).toEqual([
    "no-orphan",
    "rooms-are-listed",
  ]);
});
