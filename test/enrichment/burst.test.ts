import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { newOrg, type Reply } from "./support.ts";

// Most of them wait as long as they may: there are not permits for so many.
Object.assign(env, { LOOKUP_TIMEOUT_MS: "4000" });

describe("a burst of 500 cold accounts", () => {
  it("stays within the share, and every answer is right or says when to ask again", {
    timeout: 150_000,
  }, async () => {
    const org = await newOrg({ users: 500, groups: 20 });
    const { items } = await org.control("GET", "/dump?kind=users&limit=1000");
    // The control route documents this shape.
    const people = items as { id: string; status: string; factors: { status: string }[]; groups: string[] }[];
    const replies = await Promise.all(
      people.map(async (person) => ({ person, reply: await org.ask(person.id) })),
    );
    for (const { person, reply } of replies) {
      if (reply.status === 503) {
        expect(Number(reply.headers.get("Retry-After"))).toBeGreaterThan(0);
        expect(reply.okta.error?.retry_after).toBeGreaterThan(0);
        continue;
      }
      expect(reply).toMatchObject({
        status: 200,
        okta: { extracted: { user_id: person.id, status: person.status } },
      });
      const missing = new Set(reply.okta.incomplete.map(({ field }) => field));
      const enrolled = person.factors.some(({ status }) => status === "ACTIVE");
      if (!missing.has("mfa_enrolled"))
        expect(reply.okta.extracted).toMatchObject({ mfa_enrolled: enrolled });
      else expect(reply.okta.extracted).toMatchObject({ mfa_enrolled: null });
      if (!missing.has("groups"))
        expect(reply.okta.extracted).toMatchObject({ groups: { length: person.groups.length } });
    }
    const { buckets, violations } = await org.control("GET", "/stats");
    expect(violations).toBe(0);
    for (const { fullest, limit } of buckets as { fullest: number; limit: number }[]) {
      expect(fullest).toBeLessThanOrEqual(limit / 2);
    }
    const isComplete = ({ status, okta }: Reply): boolean =>
      status === 200 && okta.incomplete.every(({ field }) => field === "devices");
    const answered = replies.some(({ reply }) => isComplete(reply));
    // A very busy machine may not complete a single look-up in time. Whoever asks again is answered.
    await vi.waitFor(
      async () => expect(answered || isComplete(await org.ask(people[0]?.id ?? ""))).toBe(true),
      { timeout: 90_000, interval: 1_000 },
    );
  });
});
