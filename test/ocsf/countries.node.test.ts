import { expect, test } from "vitest";
import { countryCode } from "../../src/ocsf/countries.ts";

test.each([
  ["US", "US"],
  ["usa", "US"],
  [" deu ", "DE"],
  ["GBR", "GB"],
  ["UK", null],
  ["XK", null],
  ["ZZ", null],
  ["840", null],
  ["France", null],
  ["", null],
  [null, null],
  [undefined, null],
])("%j is %j", (country, code) => {
  expect(countryCode(country)).toBe(code);
});

test("knows all 249 officially assigned codes of ISO 3166-1, each as alpha-2 and alpha-3", () => {
  const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
  const pairs = letters.flatMap((a) => letters.map((b) => a + b));
  const triples = pairs.flatMap((pair) => letters.map((c) => pair + c));
  expect(pairs.filter((pair) => countryCode(pair) === pair)).toHaveLength(249);
  const alpha2 = triples.map(countryCode).filter((code) => code !== null);
  expect(alpha2).toHaveLength(249);
  expect(new Set(alpha2).size).toBe(249);
});
