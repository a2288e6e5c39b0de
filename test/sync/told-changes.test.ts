/** Changes of administrators that somebody wants to hear of, and trouble, as a stream reports them. */
import { reset } from "cloudflare:test";
import { afterEach, beforeEach, expect, test } from "vitest";
import { changeCodes, type StreamReport } from "../../src/contract/alerts.ts";
import type { RunKind } from "../../src/contract/status.ts";
import { users } from "../../src/streams/users.ts";
import type { Stream } from "../../src/sync/stream.ts";
import { withStream } from "../support/lent-stream.ts";
import { createOrg, type TestOrg } from "../support/org.ts";

const CONNECTION = "t8";
const place = { connection: CONNECTION, stream: "users", definition: users } as const;

let org: TestOrg;
beforeEach(async () => {
  org = await createOrg(CONNECTION, { users: 30, groups: 5 });
});
afterEach(() => reset());

const run = async (stream: Stream, kind: RunKind) => {
  await stream.startRun(kind);
  while ((await stream.status()).run !== null) await stream.alarm();
};

/** A stream after its first run, and what it reports from then on. */
const listening = (
  play: (stage: {
    stream: Stream;
    reports: StreamReport[];
    fail: (fails: boolean) => void;
    settled: () => Promise<unknown>;
  }) => Promise<void>,
  wanted: readonly (typeof changeCodes)[number][] = changeCodes,
) => {
  const reports: StreamReport[] = [];
  const background: Promise<void>[] = [];
  let fails = false;
  const listeners = {
    wantsAlerts: () => true,
    wantedChanges: () => new Set(wanted),
    report: async (report: StreamReport) => {
      if (fails) throw new Error("the object does not answer");
      reports.push(report);
    },
    background: (work: Promise<void>) => background.push(work),
  };
  return withStream({ ...place, ...listeners }, async (stream) => {
    await run(stream, "full");
    await Promise.all(background);
    reports.length = 0;
    await play({
      stream,
      reports,
      fail: (now) => {
        fails = now;
      },
      settled: () => Promise.all(background),
    });
  });
};

const changesIn = (reports: readonly StreamReport[]) => reports.flatMap(({ changes }) => changes);

test("an administrator who loses a factor or is suspended, and whoever is given a role; nobody else", async () => {
  const { users: people } = await org.dump();
  const active = people.filter(({ status, factors }) => status === "ACTIVE" && factors.length > 0);
  const isAdmin = ({ roles }: (typeof people)[number]) => roles.some(({ status }) => status === "ACTIVE");
  const [admin, second] = active.filter(isAdmin);
  const [nobody, newcomer] = active.filter((user) => !isAdmin(user));
  if (admin === undefined || nobody === undefined || newcomer === undefined)
    throw new Error("not these people");
  await listening(async ({ stream, reports, settled }) => {
    await org.change("DELETE", `/users/${admin.id}/factors`);
    await org.change("DELETE", `/users/${nobody.id}/factors`);
    await org.change("POST", `/users/${(second ?? admin).id}/suspend`);
    await org.change("POST", `/users/${nobody.id}/suspend`);
    await org.change("POST", `/users/${newcomer.id}/roles`, { type: "ORG_ADMIN" });
    await run(stream, "delta");
    await settled();
    const told = changesIn(reports);
    expect(told.map(({ code, count }) => [code, count])).toEqual([
      ["admin_mfa_reset", 1],
      ["admin_suspended", 1],
      ["admin_granted", 1],
    ]);
    expect(told.map(({ names }) => names.join())).toEqual(
      [admin, second ?? admin, newcomer].map(({ profile }) =>
        expect.stringContaining(String(profile["login"])),
      ),
    );
    // Told once.
    await run(stream, "delta");
    await settled();
    expect(changesIn(reports)).toHaveLength(3);
  });
});

test("what nobody lists is not kept", async () => {
  const admin = (await org.dump()).users.find(({ roles, status }) => roles.length > 0 && status === "ACTIVE");
  await listening(
    async ({ stream, reports, settled }) => {
      await org.change("POST", `/users/${admin?.id}/suspend`);
      await run(stream, "delta");
      await settled();
      expect(changesIn(reports)).toEqual([]);
    },
    ["admin_granted"],
  );
});

test("what could not be told is told with the next report", async () => {
  const admin = (await org.dump()).users.find(({ roles, status }) => roles.length > 0 && status === "ACTIVE");
  await listening(async ({ stream, reports, fail, settled }) => {
    fail(true);
    await org.change("POST", `/users/${admin?.id}/suspend`);
    await run(stream, "delta");
    await settled();
    expect(reports).toEqual([]);
    fail(false);
    await stream.watch();
    expect(changesIn(reports)).toMatchObject([{ code: "admin_suspended" }]);
  });
});

test("trouble is reported when it begins and when it ends, and not in between but by the cron", async () => {
  await listening(async ({ stream, reports, settled }) => {
    await org.restrict({ forbid: ["factors"] });
    const user = (await org.dump()).users.find(({ factors }) => factors.length > 0);
    await org.change("DELETE", `/users/${user?.id}/factors`);
    await run(stream, "delta");
    await settled();
    expect(reports).toMatchObject([
      { sinksAsked: false, needs: [{ code: "permission_lost", about: ["factors"] }] },
    ]);
    await run(stream, "delta");
    await settled();
    expect(reports).toHaveLength(1);
    await stream.watch();
    expect(reports[1]).toMatchObject({ sinksAsked: true, needs: [{ code: "permission_lost" }] });
    await org.restrict({ forbid: [] });
    await run(stream, "delta");
    await settled();
    expect(reports.at(-1)).toMatchObject({ needs: [] });
  });
});
