/** Migrating an inventory with an earlier schema: its content and its search stay the same. */
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, test } from "vitest";
import { migrations } from "../../src/inventory/schema.ts";
import { deviceUserNamesMigration } from "../../src/inventory/search-index.ts";

const record = (id: string, name: string, status = "ACTIVE") =>
  JSON.stringify({ id, status, profile: { login: `${name.toLowerCase()}@example.com`, displayName: name } });

const PUSH = JSON.stringify([{ id: "opf1", factorType: "push", provider: "OKTA", status: "ACTIVE" }]);

let db: DatabaseSync;

const file = (id: string, seq: number, text: string) =>
  db.prepare("INSERT INTO assets (id, record, seq, changed_at) VALUES (?, ?, ?, 1)").run(id, text, seq);

/** All assets, with the columns that both schemas have. */
const assets = () =>
  db
    .prepare(
      `SELECT id, seq, changed_at, deleted_at, record, factors, factors_at, factors_reason, factors_tried_at,
         groups_at, groups_reason, groups_tried_at, last_facts FROM assets ORDER BY id`,
    )
    .all();
const keys = () => db.prepare("SELECT * FROM search_keys ORDER BY n").all();
/** Whom a word finds. @param from the table that numbers the assets: the index in the first schemas */
const found = (word: string, from = "(SELECT n, id FROM search_keys)") =>
  db
    .prepare(
      `SELECT id FROM search_words JOIN ${from} ON n = search_words.rowid WHERE search_words MATCH ? ORDER BY n`,
    )
    .all(`"${word}"*`)
    .map(({ id }) => id);
const foundNow = (word: string) => found(word, "(SELECT number AS n, id FROM assets)");

beforeEach(() => {
  db = new DatabaseSync(":memory:");
  for (const statements of migrations.slice(0, 2)) db.exec(statements);
  // The ids are not in the order in which the assets came, and the numbers have a gap.
  file("00u9", 1, record("00u9", "Ada"));
  file("00u1", 2, record("00u1", "Bert"));
  file("00u5", 3, record("00u5", "Chloe"));
  file("00u3", 4, record("00u3", "Dora", "SUSPENDED"));
  db.exec(
    `UPDATE assets SET factors = '${PUSH}', factors_at = 7, factors_tried_at = 7, seq = 5 WHERE id = '00u5'`,
  );
  db.exec(`UPDATE assets SET deleted_at = 9, last_facts = '{"user":{}}', seq = 6 WHERE id = '00u3'`);
  db.exec("UPDATE assets SET groups_reason = 'forbidden', groups_tried_at = 8 WHERE id = '00u9'");
  db.exec("DELETE FROM assets WHERE id = '00u1'");
});

describe("numbered assets", () => {
  test("nothing is lost, and search numbers stay the same, so that paging through a search can continue", () => {
    const before = { assets: assets(), keys: keys(), chloe: found("chlo") };
    expect(before.keys.map(({ n, id }) => [n, id])).toEqual([
      [1, "00u9"],
      [3, "00u5"],
      [4, "00u3"],
    ]);
    db.exec(migrations[2] ?? "");
    expect(assets()).toEqual(before.assets);
    expect(keys()).toEqual(before.keys);
    expect(found("chlo")).toEqual(before.chloe);
    expect(before.chloe).toEqual(["00u5"]);
    expect(db.prepare("SELECT number, id FROM assets ORDER BY number").all()).toEqual(
      before.keys.map(({ n, id }) => ({ number: n, id })),
    );
    expect(db.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  });

  test("search still follows changes", () => {
    db.exec(migrations[2] ?? "");
    file("00u0", 7, record("00u0", "Emil"));
    expect(found("emil")).toEqual(["00u0"]);
    db.prepare("UPDATE assets SET record = ? WHERE id = '00u9'").run(record("00u9", "Adele", "SUSPENDED"));
    expect(found("ada")).toEqual([]);
    expect(found("adele")).toEqual(["00u9"]);
    db.exec(`UPDATE assets SET factors = '${PUSH}' WHERE id = '00u0'`);
    db.exec("UPDATE assets SET deleted_at = 10 WHERE id = '00u5'");
    db.exec("DELETE FROM assets WHERE id = '00u3'");
    expect(keys()).toMatchObject([
      { id: "00u9", status: "SUSPENDED", mfa: null },
      { id: "00u5", status: null, mfa: '["push|OKTA"]' },
      { id: "00u0", status: "ACTIVE", mfa: '["push|OKTA"]' },
    ]);
    expect(found("dora")).toEqual([]);
  });

  test("an id cannot be stored twice", () => {
    db.exec(migrations[2] ?? "");
    expect(() => file("00u9", 8, record("00u9", "Twin"))).toThrow("UNIQUE");
  });
});

describe("the users of a device", () => {
  const link = (id: string, extra: object) => ({
    id,
    created: "2025-01-01T00:00:00.000Z",
    managementStatus: "NOT_MANAGED",
    screenLockType: null,
    login: `${id}@example.com`,
    email: null,
    ...extra,
  });
  const names = { firstName: 'Grace "Amazing"', lastName: "Hopper/\u00e9" };
  const laptop = (extra: object) =>
    JSON.stringify({
      id: "guo1",
      status: "ACTIVE",
      profile: {},
      users: [link("u1", { ...extra, ...names })],
    });

  test("are found by their names, and stored as every answer of Okta's names them", () => {
    for (const statements of migrations.slice(2)) {
      if (statements === deviceUserNamesMigration) file("guo1", 9, laptop({ displayName: null }));
      db.exec(statements);
    }
    const stored = () => db.prepare("SELECT seq, record FROM assets WHERE id = 'guo1'").get();
    expect(stored()).toEqual({ seq: 9, record: laptop({}) });
    for (const word of ["grace", "hopper", "u1"]) expect(foundNow(word)).toEqual(["guo1"]);
    db.prepare("UPDATE assets SET record = ? WHERE id = 'guo1'").run(laptop({}).replaceAll("Grace", "Ada"));
    expect(foundNow("grace")).toEqual([]);
    file("guo2", 10, laptop({}).replaceAll("guo1", "guo2"));
    expect(foundNow("hopper")).toEqual(["guo1", "guo2"]);
    const managed = db.prepare("SELECT id, managed FROM search_keys JOIN facets USING (f)").all();
    expect(managed).toContainEqual({ id: "guo1", managed: 0 });
  });
});
