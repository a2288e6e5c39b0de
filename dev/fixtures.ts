/**
 * Writes the fixtures of this version: what it stores in many states, and what it answers then. Later versions must
 * be able to open them; see test/fixtures/stored/README.md.
 *
 *     node dev/fixtures.ts [--out DIR] [--only STATE,…]
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { stateText } from "./fixtures/format.ts";
import { makeState } from "./fixtures/make-state.ts";
import { recipes } from "./fixtures/states/index.ts";

const { values } = parseArgs({ options: { out: { type: "string" }, only: { type: "string" } } });

const { version }: { version: string } = JSON.parse(readFileSync("package.json", "utf8"));
const folder = values.out ?? join("test", "fixtures", "stored", `v${version}`);
const only = values.only?.split(",");

const schemas = new Map<string, readonly string[]>();
mkdirSync(folder, { recursive: true });
for (const recipe of recipes.filter(({ state }) => only?.includes(state) ?? true)) {
  const made = await makeState(recipe);
  for (const [type, schema] of made.schemas) {
    if (!isDeepStrictEqual(schemas.get(type) ?? schema, schema))
      throw new Error(`two states have different tables of ${type}`);
    schemas.set(type, schema);
  }
  const text = stateText(made.state);
  writeFileSync(join(folder, `${recipe.state}.ndjson`), text);
  console.log(`${recipe.state}: ${Math.ceil(text.length / 1024)} KiB`);
}
for (const [type, schema] of schemas)
  writeFileSync(join(folder, `${type}.sql`), schema.map((statement) => `${statement};\n`).join("\n"));
