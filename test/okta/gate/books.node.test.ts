import { describe, expect, test } from "vitest";
import { loadBooks, mendBooks, saveBooks } from "../../../src/okta/gate/books.ts";
import { checkIn } from "../../../src/okta/gate/holders.ts";
import { grant, observe } from "../../../src/okta/gate/ledger.ts";

const T0 = 1_760_000_000_000;

/** A Durable Object's storage: values are copied on their way in and out. */
const storage = (rows: Record<string, unknown> = {}) => {
  const stored = new Map(Object.entries(rows));
  return {
    stored,
    get: <T>(key: string) => structuredClone(stored.get(key)) as T | undefined, // as the caller claims, like the real one
    put: <T>(key: string, value: T) => void stored.set(key, structuredClone(value)),
    delete: (key: string) => stored.delete(key),
  };
};

/** What version 0.1 stored: a bucket of 600 with 5 calls in its window, 7 that may be in it, 4 that may be in the next. */
const former = {
  ledger: {
    buckets: {
      "/api/v1/users": {
        limit: 600,
        remaining: 590,
        resetAt: T0 / 1000 + 30,
        opensAt: T0 + 31_000,
        seenAt: T0 - 10_000,
        counted: 5,
        assumed: 7,
        carried: 4,
        carriedAt: T0 - 1000,
        headerless: false,
        backingOffUntil: null,
        refusals: 0,
      },
    },
    holders: {
      "stream/users": {
        incarnation: "1",
        touchedAt: T0,
        out: { "/api/v1/users": 3 },
        priority: "background",
      },
    },
    distinct: { "/api/v1|/api/v1/users": true },
    concurrencyBackoffUntil: null,
    concurrencyRefusals: 0,
  },
  stats: { calls: { "GET /api/v1/users": { ok: 5 } }, latency: {}, waits: {} },
};

const granted = (rows: ReturnType<typeof storage>, at: number): number => {
  const { ledger } = loadBooks(rows);
  checkIn(ledger, { name: "b", incarnation: "1", priority: "background" }, at);
  return grant(ledger, { holder: "b", bucket: "/api/v1/users", want: 1000, priority: "background" }, 0.5, at)
    .granted;
};

describe("the gate's books", () => {
  test("are empty at first", () => {
    expect(loadBooks(storage())).toMatchObject({ ledger: { buckets: {} }, stats: { calls: {} } });
  });

  test("come back as they were saved", () => {
    const rows = storage();
    const books = loadBooks(storage({ books: former }));
    saveBooks(rows, books);
    expect(loadBooks(rows)).toEqual(books);
  });

  test("of the version before count lost calls in this window and in the next, and then no more", () => {
    expect(granted(storage({ books: former }), T0)).toBe(210 - 5 - 7 - 3);
    expect(granted(storage({ books: former }), T0 + 32_000)).toBe(210 - 7 - 3);
    expect(granted(storage({ books: former }), T0 + 70_000)).toBe(210 - 3);
  });

  test("of the version before are converted once, and nothing else of them is lost", () => {
    const rows = storage({ books: former });
    const books = loadBooks(rows);
    expect(books.stats).toEqual(former.stats);
    expect(books.ledger).toMatchObject({ holders: former.ledger.holders, distinct: former.ledger.distinct });
    expect([...rows.stored.keys()]).toEqual(["gate"]);
    expect(loadBooks(rows)).toEqual(books);
  });

  test("without what this version has added count lost calls until an answer settles them", () => {
    const rows = storage({ books: former });
    const { ledger } = loadBooks(rows);
    expect(ledger.buckets["/api/v1/users"]).not.toHaveProperty("settledAt");
    const at = T0 + 10_000;
    const seen = {
      bucket: "/api/v1/users" as const,
      reading: { limit: 600, remaining: 588, resetAt: T0 / 1000 + 30 },
      resetInMs: 21_000,
      status: 200,
      at,
    };
    observe(ledger, "stream/users", { ...seen, reading: { ...seen.reading, remaining: 589 } }, () => 0.5);
    saveBooks(rows, { ledger, stats: loadBooks(rows).stats });
    expect(granted(rows, at)).toBe(210 - 6 - 7 - 2);
    observe(ledger, "stream/users", { ...seen, sentAt: at }, () => 0.5);
    saveBooks(rows, { ledger, stats: loadBooks(rows).stats });
    // Of the 12 calls in this window we know 7; the other 5 may be among those that were lost.
    expect(granted(rows, at)).toBe(210 - 7 - 5 - 1);
  });

  test("of the version before take precedence: that version has run since", () => {
    const rows = storage();
    saveBooks(rows, loadBooks(storage()));
    rows.put("books", former);
    expect(loadBooks(rows).ledger.buckets["/api/v1/users"]?.counted).toBe(5);
  });
});

test("a bucket that was stored as full until next year is mended, and no other", () => {
  const rows = storage({ books: former });
  const books = loadBooks(rows);
  const sane = structuredClone(books);
  mendBooks(books, T0);
  expect(books).toEqual(sane);
  const bucket = books.ledger.buckets["/api/v1/users"];
  Object.assign(bucket ?? {}, {
    resetAt: T0 / 1000 + 31_536_000,
    opensAt: T0 + 31_536_000_000,
    remaining: 0,
  });
  mendBooks(books, T0);
  checkIn(books.ledger, { name: "stream/users", incarnation: "2", priority: "background" }, T0 + 90_000);
  const request = {
    holder: "stream/users",
    bucket: "/api/v1/users",
    want: 1,
    priority: "background",
  } as const;
  expect(grant(books.ledger, request, 0.5, T0 + 90_000).granted).toBe(1);
});
