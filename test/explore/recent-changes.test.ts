/**
 * The newest changes against a model: a random history in which events are heard late, and for random questions the list
 * that a person would make by hand.
 */
import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { createRandom, type Random } from "../../dev/okta-org/org/random.ts";
import type { RecentChanges } from "../../src/contract/changes.ts";
import type { RecentChangesQuery } from "../../src/contract/stream-api.ts";
import { ChangeReader } from "../../src/explore/changes.ts";
import { Inventory } from "../../src/inventory/inventory.ts";
import { migrate } from "../../src/inventory/schema.ts";
import { users as definition } from "../../src/streams/users.ts";
import { seeds } from "../support/seeds.ts";

afterEach(() => reset());

const HOUR_MS = 3_600_000;
const BEGIN = Date.parse("2026-11-01T00:00:00.000Z");
const iso = (ms: number): string => new Date(ms).toISOString();

/** A row of the table `changes`, as the model has it. */
interface Row {
  sequence: number;
  readonly id: string;
  readonly part: "asset" | "groups" | "group";
  readonly kind: "created" | "updated";
  readonly readAt: number;
  at: number;
  actors: readonly string[];
}

const detailOf = ({ id, part }: Row): object => {
  if (part === "asset") return { fields: [{ field: "status", before: "ACTIVE", after: "SUSPENDED" }] };
  if (part === "group") return { name: `Group ${id}`, fields: [{ field: "name", before: "x", after: "y" }] };
  return { added: [{ id: "00gVpn", name: "VPN" }], removed: [] };
};

const fieldOf = { asset: "status", groups: "groups", group: "name" } as const;

const eventsOf = ({ actors, at, sequence }: Row): object[] =>
  actors.map((name, index) => ({
    uuid: `${sequence}-${index}`,
    type: "user.lifecycle.suspend",
    published: iso(at),
    actor: { id: `00u${name}`, type: "User", login: `${name}@example.com`, name, ip: null },
  }));

/** Changes as they are found, and some that an event completes hours or days later, under a new number. */
const historyOf = (random: Random, length: number): Row[] => {
  const rows: Row[] = [];
  let now = BEGIN;
  for (let sequence = 1; sequence <= length; sequence++) {
    now += random.int(HOUR_MS);
    const late = random.int(5) === 0 ? rows[random.int(rows.length)] : undefined;
    if (late !== undefined) {
      Object.assign(late, {
        sequence,
        at: late.readAt - random.int(1_000),
        actors: ["late", ...late.actors],
      });
      continue;
    }
    const part = (["asset", "groups", "group"] as const)[random.int(3)] ?? "asset";
    rows.push({
      sequence,
      id: part === "group" ? "00gVpn" : `00u${random.int(20)}`,
      part,
      kind: random.int(6) === 0 ? "created" : "updated",
      readAt: now,
      at: now - random.int(48 * HOUR_MS),
      actors: random.int(2) === 0 ? [] : [random.int(2) === 0 ? "ada" : "grace"],
    });
  }
  return rows.sort((a, b) => b.sequence - a.sequence);
};

const withReader = (
  rows: readonly Row[],
  work: (recent: (query: RecentChangesQuery) => RecentChanges) => void,
): Promise<void> =>
  runInDurableObject(env.SINK_DELIVERY.getByName("t1/users/recent"), async (_object, { storage }) => {
    migrate(storage);
    const { sql } = storage;
    for (const row of rows)
      sql.exec(
        `INSERT INTO changes (sequence, first_sequence, asset_id, part, kind, source, since, at, read_at, detail, events)
         VALUES (?1, ?1, ?2, ?3, ?4, 'log', 0, ?5, ?6, ?7, ?8)`,
        row.sequence,
        row.id,
        row.part,
        row.kind,
        row.at,
        row.readAt,
        JSON.stringify(detailOf(row)),
        row.actors.length === 0 ? null : JSON.stringify(eventsOf(row)),
      );
    const inventory = new Inventory(sql, () => BEGIN);
    const reader = new ChangeReader({ stream: "users", definition, inventory, sql, ignored: [] });
    work((query) => reader.recent(query, BEGIN));
  });

const pick = <T>(random: Random, ...values: readonly T[]): T | undefined => values[random.int(values.length)];

const questionOf = (random: Random): Omit<RecentChangesQuery, "limit"> => {
  const kind = pick(random, "created" as const, "updated" as const);
  const field = pick(random, "status", "groups", "name", "admin_roles");
  const maybe = <T>(value: T | undefined): T | undefined => (random.int(3) === 0 ? value : undefined);
  const given = {
    kinds: maybe(kind && [kind]),
    fields: maybe(field === undefined ? undefined : [field]),
    actor: maybe(pick(random, "ADA", "late", "nobody")),
    text: maybe(pick(random, "00u7", "vpn")),
    from: maybe(iso(BEGIN + random.int(300 * HOUR_MS))),
    to: maybe(iso(BEGIN + random.int(300 * HOUR_MS))),
  };
  const asked: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) if (value !== undefined) asked[name] = value;
  return asked;
};

/** Whether a row is among those that a question asks for, by what the question's members promise. */
const fits =
  ({ kinds, fields, actor, text, from, to }: Omit<RecentChangesQuery, "limit">) =>
  (row: Row): boolean =>
    (kinds === undefined || kinds.includes(row.kind)) &&
    (fields === undefined || fields.includes(fieldOf[row.part])) &&
    (actor === undefined || row.actors.includes(actor.toLowerCase())) &&
    (text === undefined || row.id === text || (text === "vpn" && row.part !== "asset")) &&
    (from === undefined || row.at >= Date.parse(from)) &&
    (to === undefined || row.at < Date.parse(to));

describe("the newest changes", () => {
  test.each(seeds(3))("are those that a question asks for, page by page (seed %i)", async (seed) => {
    const random = createRandom(seed, "recent changes");
    const rows = historyOf(random, 700);
    await withReader(rows, (recent) => {
      for (let n = 0; n < 40; n++) {
        const asked = questionOf(random);
        const limit = 1 + random.int(60);
        const found: number[] = [];
        let before: string | undefined;
        do {
          const page = recent({ ...asked, limit, ...(before !== undefined && { before }) });
          expect(page.changes.length).toBeLessThanOrEqual(limit);
          found.push(...page.changes.map(({ sequence }) => sequence));
          before = page.next ?? undefined;
        } while (before !== undefined);
        const wanted = rows.filter(fits(asked)).map(({ sequence }) => sequence);
        expect([asked, found]).toEqual([asked, wanted]);
      }
    });
  });

  test("say of what they are, and how far back they were looked for", async () => {
    const rows = historyOf(createRandom(1, "of"), 50);
    await withReader(rows, (recent) => {
      const page = recent({ limit: 10 });
      expect(page.changes.map(({ of }) => of)).toEqual(
        rows.slice(0, 10).map(({ part }) => (part === "group" ? "group" : "asset")),
      );
      expect(page.searched_back_to).toBe(iso(rows[9]?.at ?? 0));
      expect(page.kept_since).toBe(iso(BEGIN));
      const all = recent({ limit: 200 });
      expect([all.changes.length, all.next]).toEqual([rows.length, null]);
      expect(recent({ limit: 5, before: "no place" })).toMatchObject({ changes: [], next: null });
    });
  });

  test("are looked for among some thousand at a time, and further back from there", async () => {
    const rows = historyOf(createRandom(2, "many"), 12_000);
    const oldest = rows.at(-1);
    if (oldest === undefined) throw new Error("no rows");
    Object.assign(oldest, { actors: ["needle"] });
    await withReader(rows, (recent) => {
      const pages: RecentChanges[] = [];
      let before: string | undefined;
      do {
        const page = recent({ limit: 10, actor: "needle", ...(before !== undefined && { before }) });
        pages.push(page);
        before = page.next ?? undefined;
      } while (before !== undefined);
      expect(pages.length).toBeGreaterThanOrEqual(3);
      expect(pages[0]).toMatchObject({ changes: [], searched_back_to: expect.any(String) });
      expect(pages.flatMap(({ changes }) => changes.map(({ sequence }) => sequence))).toEqual([
        oldest.sequence,
      ]);
    });
  });
});
