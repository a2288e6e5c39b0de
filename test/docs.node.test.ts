/** What the documents list is what the code has. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { streams } from "../src/streams/index.ts";
import { hookedTypes } from "../src/streams/log-effects.ts";

test("docs/event-hooks.md lists the event types that the streams follow and that Okta offers, each once", () => {
  const text = readFileSync("docs/event-hooks.md", "utf8");
  const [, list = ""] = /## Which events\n\n```\n([\s\S]*?)\n```/.exec(text) ?? [];
  const followed = Object.values(streams).flatMap(({ source }) => hookedTypes(source.logRules));
  expect(list.split("\n").sort()).toEqual([...new Set(followed)].sort());
});
