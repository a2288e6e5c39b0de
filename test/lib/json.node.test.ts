import { describe, expect, test } from "vitest";
import { jsonFault } from "../../src/lib/json.ts";

describe("a text that is not JSON", () => {
  test.each([
    ["[", /its end is missing/],
    ['[{"a": "}]"', /its end is missing/],
    ['{"a": [1, 2', /its end is missing/],
    ['{"a": "half', /its end is missing/],
    ["'[1]'", /begins with a quote/],
    ["[{“a”: 1}]", /typographic/],
    ["[1,]", /comma after the last item/],
    ["{'a': 1}", /double quotes/],
    ['{"a": "[{"', /its end is missing/],
    ["[1]]", /comma after the last item/],
    ["hello", /names and text stand in double quotes/],
  ])("%s", (text, fault) => {
    expect(jsonFault(text)).toMatch(fault);
  });

  test("is not repeated", () => {
    expect(jsonFault('["a-secret-in-the-wrong-place"')).not.toContain("a-secret");
  });
});
