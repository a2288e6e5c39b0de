/** Which of two readings counts, case by case. */
import { describe, expect, test } from "vitest";
import {
  INDEX_LAG_MS,
  type Precedence,
  precedenceOf,
  type RecordTimes,
  type StoredRecord,
  withLatestLogin,
} from "../../src/inventory/precedence.ts";

const LISTED_AT = Date.parse("2026-03-01T12:00:00Z");
/** The list surely shows what happened until then. */
const AS_OF = LISTED_AT - INDEX_LAG_MS;

const T1 = "2026-03-01T11:00:00.000Z";
const T2 = "2026-03-01T11:00:01.000Z";
const LATER = "2026-03-01T11:30:00.000Z";

const stored = (times: RecordTimes, over: Partial<StoredRecord> = {}): StoredRecord => ({
  record: JSON.stringify(times),
  deletedAt: null,
  readAt: null,
  ...over,
});

describe("a listed record beside a stored one that differs", () => {
  const rows: readonly [string, StoredRecord, RecordTimes, Precedence][] = [
    ["was updated later", stored({ lastUpdated: T1 }), { lastUpdated: T2 }, "file"],
    [
      "was updated later than one that was just read by its id",
      stored({ lastUpdated: T1 }, { readAt: LISTED_AT }),
      { lastUpdated: T2 },
      "file",
    ],
    ["was updated earlier", stored({ lastUpdated: T2 }), { lastUpdated: T1 }, "keep"],
    [
      "was updated earlier than one that was just read by its id",
      stored({ lastUpdated: T2 }, { readAt: LISTED_AT }),
      { lastUpdated: T1 },
      "keep",
    ],
    [
      "was updated at the same time, and nobody has read it by its id",
      stored({ lastUpdated: T1 }),
      { lastUpdated: T1 },
      "file",
    ],
    [
      "was updated at the same time as one that was read by its id within the lag",
      stored({ lastUpdated: T1 }, { readAt: AS_OF }),
      { lastUpdated: T1 },
      "doubt",
    ],
    [
      "was updated at the same time as one that was read by its id before the lag",
      stored({ lastUpdated: T1 }, { readAt: AS_OF - 1 }),
      { lastUpdated: T1 },
      "file",
    ],
    ["has no times", stored({}), {}, "file"],
    ["has no times, beside one that was just read by its id", stored({}, { readAt: LISTED_AT }), {}, "doubt"],
    [
      "lost its time, beside one that was just read by its id",
      stored({ lastUpdated: T1 }, { readAt: LISTED_AT }),
      { lastUpdated: null },
      "doubt",
    ],
    ["was deleted before the lag", stored({ lastUpdated: T1 }, { deletedAt: AS_OF - 1 }), {}, "file"],
    ["was deleted within the lag", stored({ lastUpdated: T1 }, { deletedAt: AS_OF }), {}, "doubt"],
    [
      "was deleted within the lag, and shows an update that was not known",
      stored({ lastUpdated: T1 }, { deletedAt: LISTED_AT }),
      { lastUpdated: T2 },
      "doubt",
    ],
  ];
  test("an update that is still to come decides nothing, on either side", () => {
    const never = "9999-12-31T23:59:59.000Z";
    expect(precedenceOf(stored({ lastUpdated: never }), { lastUpdated: T2 }, LISTED_AT)).toBe("file");
    expect(precedenceOf(stored({ lastUpdated: T1 }), { lastUpdated: never }, LISTED_AT)).toBe("file");
  });

  test.each(rows)("%s", (_, before, listed, expected) => {
    expect(precedenceOf(before, listed, LISTED_AT)).toBe(expected);
  });
});

describe("the later sign-in", () => {
  const at = (lastLogin: string | null) => ({ lastLogin });
  test.each([
    ["the record's, if it is later", LATER, T1, LATER],
    ["the stored one's, if that is later", T1, LATER, LATER],
    ["the only one there is", null, T1, T1],
    ["the only one there is, in the record", T1, null, T1],
    ["none, without any", null, null, null],
    [
      "the stored one's, if both are the same within two seconds",
      T1,
      "2026-03-01T11:00:01.999Z",
      "2026-03-01T11:00:01.999Z",
    ],
    ["the stored one's, if the record shows the same a little later", "2026-03-01T11:00:01.999Z", T1, T1],
    ["the record's, if it is two seconds later", "2026-03-01T11:00:02.000Z", T1, "2026-03-01T11:00:02.000Z"],
    ["the stored one's, if the record's is still to come", "9999-12-31T23:59:59.000Z", T1, T1],
    ["the record's, if the stored one is still to come", T1, "9999-12-31T23:59:59.000Z", T1],
  ])("is %s", (_, record, before, expected) => {
    expect(withLatestLogin(at(record), JSON.stringify(at(before)), Date.parse(T2)).lastLogin).toBe(expected);
  });

  test("is of no concern to records that have none", () => {
    const device = { lastUpdated: T1 };
    expect(withLatestLogin(device, JSON.stringify(at(T2)), Date.parse(T2))).toBe(device);
  });
});
