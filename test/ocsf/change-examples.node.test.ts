/** The examples in docs/change-events.md are what changes become. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { changeEvent } from "../../src/ocsf/index.ts";
import { changeExamples } from "./change-examples.ts";

test("docs/change-events.md shows an event of each class", () => {
  const text = readFileSync("docs/change-events.md", "utf8");
  const shown = [...text.matchAll(/^## (.+)\n\n```json\n([\s\S]*?)\n```$/gm)].map(([, title, json = ""]) => ({
    title,
    event: JSON.parse(json),
  }));
  const events = changeExamples.map(({ change, context }) => changeEvent(change, context));
  expect(shown).toEqual(events.map((event) => ({ title: event.class_name, event })));
  expect(new Set(events.map(({ class_uid }) => class_uid))).toEqual(new Set([3001, 3004, 3006]));
});
