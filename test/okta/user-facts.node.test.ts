import { describe, expect, test } from "vitest";
import { err, ok, type Result } from "../../src/lib/result.ts";
import type { Page, PageRequest } from "../../src/okta/api.ts";
import type { OktaError, OktaErrorCode } from "../../src/okta/errors.ts";
import {
  type AccountRef,
  isUnusable,
  readFactors,
  readGroups,
  readRoles,
  type UserFactError,
} from "../../src/okta/user-facts.ts";

type Answer = Result<readonly unknown[], OktaError>;
type Read = (answer: Answer, user: AccountRef) => Promise<Result<readonly unknown[], UserFactError>>;

const failure = (code: OktaErrorCode): OktaError => ({
  code,
  message: code,
  endpoint: "GET /x",
  status: code === "not_found" ? 404 : 200,
  oktaErrorCode: null,
  retryAt: null,
});

const ACTIVE: AccountRef = { id: "00u1", status: "ACTIVE" };
const GONE: AccountRef = { id: "00u1", status: "DEPROVISIONED" };

const onePage = (answer: Answer): Result<Page, OktaError> =>
  answer.ok ? ok({ records: answer.value, next: null }) : answer;

const factor = (id: string) => ({ id, factorType: "push", provider: "OKTA", status: "ACTIVE" });
const role = (id: string) => ({ id, type: "SUPER_ADMIN", label: "Super", status: "ACTIVE" });
const group = (id: string) => ({ id, type: "OKTA_GROUP", profile: { name: id.toUpperCase() } });

const facts: readonly [string, Read, (id: string) => object][] = [
  ["factors", (answer, user) => readFactors({ userFactors: async () => answer }, user), factor],
  ["roles", (answer, user) => readRoles({ userRoles: async () => answer }, user), role],
  ["groups", (answer, user) => readGroups({ userGroups: async () => onePage(answer) }, user), group],
];

describe.each(facts)("an account's %s", (name, read, record) => {
  test("come sorted, so that equal sets are equal text", async () => {
    const ascending = await read(ok([record("a"), record("b"), record("c")]), ACTIVE);
    const shuffled = await read(ok([record("c"), record("a"), record("b")]), ACTIVE);
    expect(ascending).toMatchObject({ ok: true, value: [{ id: "a" }, { id: "b" }, { id: "c" }] });
    expect(JSON.stringify(shuffled)).toBe(JSON.stringify(ascending));
  });

  test("can be none", async () => {
    expect(await read(ok([]), ACTIVE)).toEqual({ ok: true, value: [] });
  });

  test("are none when Okta knows no such account and it is deprovisioned", async () => {
    expect(await read(err(failure("not_found")), GONE)).toEqual({ ok: true, value: [] });
  });

  test.each(["ACTIVE", "SUSPENDED", null])(
    "are unknown after a 404 for an account that is %s",
    async (status) => {
      const answer = await read(err(failure("not_found")), { id: "00u1", status });
      expect(answer).toEqual({ ok: false, error: failure("not_found") });
    },
  );

  test.each(["forbidden", "rate_limited", "timeout", "invalid_response"] as const)(
    "fail as the call does, also of a deprovisioned account: %s",
    async (code) => {
      const answer = await read(err(failure(code)), GONE);
      expect(answer).toEqual({ ok: false, error: failure(code) });
      expect(!answer.ok && isUnusable(answer.error)).toBe(false);
    },
  );

  test("are unknown as a whole when one record cannot be read, which is no failure of the call", async () => {
    const answer = await read(ok([record("a"), 7, {}, record("b")]), ACTIVE);
    expect(answer).toMatchObject({
      ok: false,
      error: {
        code: "invalid_response",
        status: 200,
        message: `[GET] "/api/v1/users/{id}/${name}": 2 of 4 records could not be read`,
      },
    });
    expect(!answer.ok && isUnusable(answer.error)).toBe(true);
  });
});

describe("groups over several pages", () => {
  /** `pages` pages of one group each. */
  const paged = (pages: number, requests: PageRequest[]) => ({
    userGroups: async (_: string, request: PageRequest = {}): Promise<Result<Page, OktaError>> => {
      requests.push(request);
      const number = requests.length;
      return ok({ records: [group(`g${number}`)], next: number < pages ? `next-${number}` : null });
    },
  });

  test("are read to the end, 200 at a time, each page by the next of the one before", async () => {
    const requests: PageRequest[] = [];
    const answer = await readGroups(paged(3, requests), ACTIVE);
    expect(answer).toMatchObject({ ok: true, value: [{ id: "g1" }, { id: "g2" }, { id: "g3" }] });
    expect(requests).toEqual([{ query: { limit: "200" } }, { next: "next-1" }, { next: "next-2" }]);
  });

  test("may be 50 pages, and are unknown beyond that, never a part", async () => {
    const whole = await readGroups(paged(50, []), ACTIVE);
    expect(whole.ok && whole.value).toHaveLength(50);
    const requests: PageRequest[] = [];
    const more = await readGroups(paged(51, requests), ACTIVE);
    expect(more).toMatchObject({
      ok: false,
      error: { code: "invalid_response", message: expect.stringContaining("more than 50 pages") },
    });
    expect(!more.ok && isUnusable(more.error)).toBe(true);
    expect(requests).toHaveLength(50);
  });

  test.each([
    ["always the first page, under new links", (n: number) => ({ records: [group("a")], next: `n${n}` })],
    ["empty pages, under new links", (n: number) => ({ records: [], next: `n${n}` })],
    [
      "two pages that follow each other",
      (n: number) => ({ records: [group(`g${n % 2}`)], next: `n${n % 2}` }),
    ],
    ["a page that follows itself", () => ({ records: [group("a")], next: "n" })],
  ])("are unknown after a few pages that show nothing new: %s", async (_, page) => {
    let calls = 0;
    const userGroups = async (): Promise<Result<Page, OktaError>> => ok(page(calls++));
    const answer = await readGroups({ userGroups }, ACTIVE);
    expect(answer).toMatchObject({ ok: false, error: { message: expect.stringContaining("does not end") } });
    expect(!answer.ok && isUnusable(answer.error)).toBe(true);
    expect(calls).toBeLessThanOrEqual(5);
  });

  test("are unknown when a later page fails", async () => {
    let calls = 0;
    const userGroups = async (): Promise<Result<Page, OktaError>> =>
      calls++ === 0 ? ok({ records: [group("a")], next: "n" }) : err(failure("timeout"));
    expect(await readGroups({ userGroups }, ACTIVE)).toMatchObject({ ok: false, error: { code: "timeout" } });
  });

  test("count the records of all pages when some cannot be read", async () => {
    let calls = 0;
    const userGroups = async (): Promise<Result<Page, OktaError>> =>
      ok({ records: [group("a"), null], next: calls++ === 0 ? "n" : null });
    expect(await readGroups({ userGroups }, ACTIVE)).toMatchObject({
      error: { message: expect.stringContaining("2 of 4 records") },
    });
  });
});
