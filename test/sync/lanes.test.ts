/**
 * A full run and a delta run of one stream in progress at the same time. Okta's lists and searches are 45 seconds behind in
 * all of these tests, and the object makes one call in each of its slices.
 */
import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { OrgOptionsInput } from "../../dev/okta-org/options.ts";
import type { RunKind } from "../../src/contract/status.ts";
import type { StreamDefinition } from "../../src/streams/definition.ts";
import { users } from "../../src/streams/users.ts";
import { type Machine, withMachine } from "../support/machine.ts";
import { createOrg, differences, expectedUsers, type TestOrg } from "../support/org.ts";
import { stopTime } from "../support/time.ts";

const CONNECTION = "t19";
const LAG_MS = 45_000;
const QUIET_MS = 10 * 60_000;

afterEach(() => reset());

interface Scene {
  readonly org: TestOrg;
  readonly machine: Machine;
  /** Called once, before the next call to a path that matches. */
  readonly atCall: (path: RegExp, act: () => Promise<void>, nth?: number) => void;
}

/** An org whose users are all in the inventory, as they were long ago. */
const stage = async (options: OrgOptionsInput, play: (scene: Scene) => Promise<void>): Promise<void> => {
  stopTime();
  const org = await createOrg(CONNECTION, {
    users: 30,
    groups: 8,
    devices: 6,
    seed: 5,
    searchLagMs: LAG_MS,
    listLagMs: LAG_MS,
    ...options,
  });
  await org.control("POST", "/clock", { stop: true });
  const waiting: { path: RegExp; act: () => Promise<void>; left: number }[] = [];
  const beforeCall = async (path: string): Promise<boolean> => {
    const next = waiting.find((one) => one.path.test(path));
    if (next !== undefined && next.left-- === 0) {
      waiting.splice(waiting.indexOf(next), 1);
      await next.act();
    }
    return true;
  };
  const atCall: Scene["atCall"] = (path, act, nth = 0) => waiting.push({ path, act, left: nth });
  const place = { org, stream: "users", callsPerSlice: 1, pageSize: 4, beforeCall } as const;
  await withMachine(place, async (machine) => {
    await run(machine, "full");
    await machine.passTime(QUIET_MS);
    await run(machine, "delta");
    await play({ org, machine, atCall });
    expect(waiting.map(({ path }) => path)).toEqual([]);
  });
};

const start = async (machine: Machine, kind: RunKind) => {
  const answer = await machine.stream.startRun(kind);
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.value;
};

const run = async (machine: Machine, kind: RunKind): Promise<void> => {
  await start(machine, kind);
  await machine.toRest();
};

const wrong = async ({ org, machine }: Pick<Scene, "org" | "machine">) =>
  differences(machine.living(), expectedUsers(await org.dump())).slice(0, 1);

/**
 * Makes a full run, and a change of the org together with a delta run in the middle of it. The inventory has to equal the
 * org as soon as the delta run has ended, and at the end.
 * @param path the change comes before a call to this path
 */
const changeDuring = async (
  scene: Scene,
  path: RegExp,
  change: () => Promise<unknown>,
  nth = 0,
): Promise<string> => {
  const { machine, atCall } = scene;
  let met = "";
  atCall(
    path,
    async () => {
      await change();
      await start(machine, "delta");
    },
    nth,
  );
  await start(machine, "full");
  await machine.toRest(async () => {
    const [newest] = machine.stream.runs().filter(({ kind }) => kind === "delta");
    if (met !== "" || newest?.state !== "done" || !machine.isOn("full")) return;
    const { run: full, delta } = await machine.stream.status();
    if (full?.kind !== "full" || delta !== null || newest.started_at < full.started_at) return;
    met = full.phase;
    expect(await wrong(scene)).toEqual([]);
  });
  expect(met).not.toBe("");
  expect(await wrong(scene)).toEqual([]);
  expect(machine.stream.runs().slice(0, 2)).toMatchObject([
    { kind: "delta", state: "done" },
    { kind: "full", state: "done" },
  ]);
  return met;
};

/** An ordinary group with more members than fit on two pages, and who is in it and who is not. */
const largeGroup = async (org: TestOrg) => {
  const { users: all, groups } = await org.dump();
  const group = groups
    .filter(({ type }) => type !== "BUILT_IN")
    .sort((a, b) => b.usersCount - a.usersCount)[0];
  const id = group?.id ?? "";
  expect(group?.usersCount).toBeGreaterThan(8);
  const active = all.filter(({ status }) => status === "ACTIVE");
  const members = active.filter(({ groups: own }) => own.includes(id)).map((user) => user.id);
  const others = active.filter(({ groups: own }) => !own.includes(id)).map((user) => user.id);
  return { id, members, others };
};

const person = (name: string) => ({ profile: { login: `${name}@x.y`, email: `${name}@x.y` } });

describe("what a delta run has learned in the middle of a full run stays", () => {
  test("memberships, while the same group is being listed", () =>
    stage({}, async (scene) => {
      const { org } = scene;
      const { id, members, others } = await largeGroup(org);
      const phase = await changeDuring(
        scene,
        new RegExp(`/groups/${id}/users`),
        async () => {
          await org.change("DELETE", `/groups/${id}/users/${members[0]}`); // on a page that was read before
          await org.change("DELETE", `/groups/${id}/users/${members.at(-1)}`); // on one that is still to be read
          await org.change("POST", `/groups/${id}/users/${others[0]}`);
        },
        1,
      );
      expect(phase).toBe("memberships");
    }));

  test("roles, granted and revoked between the list of administrators and reading their roles", () =>
    stage({}, async (scene) => {
      const { org } = scene;
      const { users: all } = await org.dump();
      const admin = all.find(
        ({ roles }, index) => index > 0 && roles.some((one) => one.assignmentType === "USER"),
      );
      const plain = all.find(({ roles, status }) => roles.length === 0 && status === "ACTIVE");
      await changeDuring(scene, /\/assignees\/users/, async () => {
        await org.change("POST", `/users/${plain?.id}/roles`, { type: "APP_ADMIN" });
        if (admin !== undefined) await org.change("DELETE", `/users/${admin.id}/roles`);
      });
    }));

  test("roles that a group gives, granted after the roles of groups were read", () =>
    stage({}, async (scene) => {
      const { org } = scene;
      const { id } = await largeGroup(org);
      await changeDuring(scene, /\/assignees\/users/, () =>
        org.change("POST", `/groups/${id}/roles`, { type: "USER_ADMIN" }),
      );
    }));

  test.each(["/users$", "/groups$"])(
    "a deletion of users, which lists do not bring back and the deletion guard does not count, before %s",
    (path) =>
      stage({}, async (scene) => {
        const { org, machine } = scene;
        const { users: all } = await org.dump();
        // More than the guard lets pass.
        const gone = all.slice(1, 13).map(({ id }) => id);
        await changeDuring(scene, new RegExp(`/api/v1${path}`), async () => {
          for (const id of gone) await org.change("POST", `/users/${id}/delete`);
        });
        expect(await machine.stream.status()).toMatchObject({ state: "idle", held_deletions: 0 });
        expect(machine.stream.inventory.assets.counts()).toEqual({ total: 18, deleted: 12 });
      }),
  );

  test("users who were created after the list had passed are not absent, and their facts are known", () =>
    stage({}, async (scene) => {
      const { org, machine } = scene;
      const { id } = await largeGroup(org);
      await changeDuring(scene, /\/factors$/, async () => {
        // More than the guard lets pass, if they counted.
        for (let n = 0; n < 10; n++)
          await org.change("POST", "/users", { ...person(`new${n}`), groups: [id] });
      });
      expect(await machine.stream.status()).toMatchObject({ state: "idle", held_deletions: 0 });
      expect(machine.stream.inventory.countUnknown()).toEqual({});
    }));

  test.each([
    "/groups$",
    "/groups/[^/]+/roles",
    "/assignees/users",
    "/groups/[^/]+/users",
    "/users$",
    "/factors$",
  ])("groups that are created, renamed and deleted, before %s", (path) =>
    stage({}, async (scene) => {
      const { org } = scene;
      const { id, members } = await largeGroup(org);
      const { groups } = await org.dump();
      const small = groups.find((group) => group.type === "OKTA_GROUP" && group.id !== id);
      await changeDuring(scene, new RegExp(`/api/v1.*${path}`), async () => {
        await org.change("DELETE", `/groups/${small?.id}`);
        await org.change("PATCH", `/groups/${id}`, { profile: { name: "Renamed" } });
        const { id: created } = await org.change<{ id: string }>("POST", "/groups", {
          profile: { name: "Created", description: null },
        });
        await org.change("POST", `/groups/${created}/users/${members[0]}`);
        await org.change("POST", `/groups/${created}/roles`, { type: "USER_ADMIN" });
      });
    }),
  );

  test("a group that is deleted while its members are being listed gets none of them back", () =>
    stage({}, async (scene) => {
      const { org, machine } = scene;
      const { id } = await largeGroup(org);
      const path = new RegExp(`/groups/${id}/users`);
      await changeDuring(scene, path, () => org.change("DELETE", `/groups/${id}`), 1);
      expect(machine.stream.inventory.memberships.together([], [id], 100).first).toEqual([]);
    }));

  test("factors that were reset while the full run reads factors", () =>
    stage({}, async (scene) => {
      const { org, machine } = scene;
      const { users: all } = await org.dump();
      const enrolled = all.filter(({ factors, status }) => factors.length > 0 && status === "ACTIVE");
      machine.storage.sql.exec("UPDATE assets SET factors_at = 1"); // all of them are due
      const phase = await changeDuring(
        scene,
        /\/factors$/,
        async () => {
          for (const { id } of enrolled) await org.change("DELETE", `/users/${id}/factors`);
        },
        5,
      );
      expect(phase).toBe("factors");
    }));

  test("users who are deactivated, and users who come back", () =>
    stage({}, async (scene) => {
      const { org } = scene;
      const { users: all } = await org.dump();
      const active = all.filter(({ status }, index) => index > 0 && status === "ACTIVE").slice(0, 2);
      const gone = all.filter(({ status }) => status === "DEPROVISIONED").slice(0, 2);
      expect(gone.length).toBeGreaterThan(0);
      await changeDuring(scene, /\/api\/v1\/users$/, async () => {
        for (const { id } of active) await org.change("POST", `/users/${id}/deactivate`);
        for (const { id } of gone) await org.change("POST", `/users/${id}/activate`);
      });
    }));
});

describe("before the first full run has ended", () => {
  /** The same, with nothing in the inventory yet: equality counts at the end. */
  const first = (path: RegExp, change: (org: TestOrg) => Promise<unknown>, nth = 0) =>
    stage({}, async ({ org, machine, atCall }) => {
      machine.storage.sql.exec("DELETE FROM meta");
      for (const table of ["assets", "groups", "memberships", "admins", "stale", "membership_events"])
        machine.storage.sql.exec(`DELETE FROM ${table}`);
      machine.evict();
      atCall(
        path,
        async () => {
          await change(org);
          await start(machine, "delta");
        },
        nth,
      );
      await run(machine, "full");
      expect(await wrong({ org, machine })).toEqual([]);
      expect(machine.stream.inventory.countUnknown()).toEqual({});
    });
  test.each([
    "/okta-organization$",
    "/groups$",
    "/assignees/users",
    "/groups/[^/]+/users",
    "/api/v1/users$",
    "/factors$",
  ])("nothing that happens is lost: before %s", (path) =>
    first(new RegExp(path), async (org) => {
      const { id: group, members, others } = await largeGroup(org);
      const id = others[3]; // whom no group makes an administrator
      await org.change("POST", `/users/${id}/roles`, { type: "APP_ADMIN" });
      await org.change("POST", `/users/${id}/sign-in`);
      await org.change("DELETE", `/users/${members[1]}/factors`);
      await org.change("POST", `/groups/${group}/roles`, { type: "USER_ADMIN" });
      await org.change("POST", `/groups/${group}/users/${others[1]}`);
      await org.change("DELETE", `/groups/${group}/users/${members[2]}`);
      await org.change("POST", `/users/${others[2]}/delete`);
      const { id: brief } = await org.change<{ id: string }>("POST", "/users", person("brief"));
      await org.change("POST", `/users/${brief}/delete`);
      await org.change("POST", "/users", { ...person("new"), groups: [group] });
    }),
  );

  test("nothing that happened just before it is lost once a delta run has ended", () =>
    stage({}, async ({ org, machine }) => {
      machine.storage.sql.exec("DELETE FROM meta");
      for (const table of ["assets", "groups", "memberships", "admins", "stale", "membership_events"])
        machine.storage.sql.exec(`DELETE FROM ${table}`);
      machine.evict();
      const { id: group, others, members } = await largeGroup(org);
      const id = others[3];
      await org.change("POST", `/users/${id}/roles`, { type: "APP_ADMIN" });
      await org.change("POST", `/users/${members[0]}/suspend`);
      await org.change("POST", `/users/${others[1]}/delete`);
      await org.change("POST", `/groups/${group}/users/${others[2]}`);
      await org.change("POST", "/users", { ...person("new"), groups: [group] });
      const logCalls = async () => (await org.stats()).calls["GET /api/v1/logs"];
      const before = await logCalls();
      await run(machine, "full");
      expect(await logCalls()).toBe(before);
      await run(machine, "delta");
      expect(await wrong({ org, machine })).toEqual([]);
    }));
});

test("users whom a full run lists before the log tells of them have their own groups read", () =>
  stage({ searchLagMs: 0, listLagMs: 0, logDelayMs: 40_000 }, async ({ org, machine, atCall }) => {
    const { id } = await largeGroup(org);
    // After the group's members were listed, and before the list of users.
    atCall(/\/api\/v1\/users$/, async () => {
      await org.change("POST", "/users", { id: "00uEarly", ...person("early"), groups: [id] });
    });
    await start(machine, "full");
    await machine.toRest(() => {
      const groups = machine.stream.inventory.users.one("00uEarly")?.facts.groups;
      if (groups?.state === "known") expect(groups.value.map((group) => group.id)).toContain(id);
    });
    expect(await wrong({ org, machine })).toEqual([]);
  }));

test("an expired cursor in the middle of a group lists this group again, and none is left out", () =>
  stage({}, async ({ org, machine, atCall }) => {
    const { id, members } = await largeGroup(org);
    // The log does not tell of it, so only the complete list shows it.
    await org.change("DELETE", `/groups/${id}/users/${members[0]}?silent=true`);
    await machine.passTime(QUIET_MS);
    const path = `/api/v1/groups/${id}/users`;
    atCall(new RegExp(path), () => org.fault({ kind: "400", match: { path, times: 1 } }), 1);
    await run(machine, "full");
    expect(await wrong({ org, machine })).toEqual([]);
  }));

describe("what delta runs cost and do", () => {
  test("an idle one makes at most 4 calls, alone and beside a full run", () =>
    stage({}, async ({ machine, atCall }) => {
      await run(machine, "delta");
      expect(machine.stream.runs()[0]).toMatchObject({ kind: "delta", state: "done" });
      expect(machine.stream.runs()[0]?.calls.made).toBeLessThanOrEqual(4);
      atCall(/\/groups\/[^/]+\/users/, async () => {
        await start(machine, "delta");
      });
      await run(machine, "full");
      const [delta] = machine.stream.runs();
      expect(delta).toMatchObject({ kind: "delta", state: "done" });
      expect(delta?.calls.made).toBeLessThanOrEqual(4);
    }));

  test.each([false, true])(
    "one that is asked for while one is on polls once more, with a full run on: %s",
    (besideFull) =>
      stage({}, async ({ org, machine, atCall }) => {
        const { users: all } = await org.dump();
        const [one, other] = all.filter(({ status }, index) => index > 0 && status === "ACTIVE");
        if (besideFull) await start(machine, "full");
        await org.change("POST", `/users/${one?.id}/suspend`);
        const { started, run: delta } = await start(machine, "delta");
        expect(started).toBe(true);
        atCall(new RegExp(`/api/v1/users/${one?.id}$`), async () => {
          await org.change("POST", `/users/${other?.id}/suspend`);
          expect(await start(machine, "delta")).toMatchObject({ started: false, run: { id: delta.id } });
        });
        await machine.toRest();
        expect(await wrong({ org, machine })).toEqual([]);
        expect(machine.stream.runs().find(({ id }) => id === delta.id)).toMatchObject({ state: "done" });
        expect(machine.stream.runs().filter(({ kind }) => kind === "delta")).toHaveLength(2);
      }),
  );
});

test("a log whose cursor is lost while a full run is on: another one follows and reads every fact again", () =>
  stage({}, async ({ org, machine, atCall }) => {
    const { users: all } = await org.dump();
    const people = all.filter(({ status }) => status === "ACTIVE");
    const { id } = await largeGroup(org);
    atCall(/\/factors$|\/api\/v1\/users$/, async () => {
      for (const user of people) await org.change("DELETE", `/users/${user.id}/factors?silent=true`);
      await org.change("POST", `/groups/${id}/roles?silent=true`, { type: "USER_ADMIN" });
      await machine.passTime(LAG_MS + 1000);
      machine.storage.sql.exec(
        "UPDATE meta SET value = json_set(value, '$.next', ?) WHERE key = 'log'",
        `${org.origin}/api/v1/logs?after=gone&limit=1000`,
      );
      await start(machine, "delta");
    });
    const { current_as_of: old } = await machine.stream.status();
    const { run: full } = await start(machine, "full");
    await machine.toRest();
    expect(machine.stream.runs().slice(0, 3)).toMatchObject([
      { kind: "full", cause: "gap", state: "done" },
      { kind: "delta", state: "failed", error: { code: "log_gap" } },
      { id: full.id, state: "done" },
    ]);
    expect(await wrong({ org, machine })).toEqual([]);
    const { current_as_of: now } = await machine.stream.status();
    expect(Date.parse(now ?? "")).toBeGreaterThan(Date.parse(old ?? ""));
  }));

describe("a bug in one lane does not stop the other", () => {
  /** The users stream with a bug that its full runs or its delta runs meet. */
  const withBug = (kind: RunKind): StreamDefinition => {
    const broken = () => {
      throw new Error("a bug");
    };
    const { source } = users;
    return kind === "full"
      ? { ...users, source: { ...source, list: broken } }
      : {
          ...users,
          source: { ...source, searches: source.searches.map((one) => ({ ...one, read: broken })) },
        };
  };

  test.each(["full", "delta"] as const)("in a %s run", async (kind) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const org = await createOrg(CONNECTION, { users: 10 });
    const other = kind === "full" ? "delta" : "full";
    const place = {
      org,
      stream: "users",
      callsPerSlice: 5,
      pageSize: 4,
      beforeCall: async () => true,
    } as const;
    await withMachine({ ...place, definition: withBug(kind) }, async (machine) => {
      machine.storage.sql.exec(
        "INSERT INTO meta (key, value) VALUES ('schedule', ?)",
        JSON.stringify({ lastFullAt: Date.now(), lastSuccessAt: null }),
      );
      await start(machine, kind);
      await start(machine, other);
      const of = (wanted: RunKind) => machine.stream.runs().find((one) => one.kind === wanted);
      for (let n = 0; n < 100 && (machine.isOn(other) || of(kind)?.error === null); n++)
        await machine.slice();
      expect(of(other)).toMatchObject({ state: "done", error: null });
      expect(of(kind)).toMatchObject({ state: "running", error: { code: "unavailable" } });
    });
  });
});

describe("both lanes read the same list again", () => {
  test("a group's members survive a delta run that waits in the middle while the full run goes on", () =>
    stage({ searchLagMs: 0, listLagMs: 0 }, async (scene) => {
      const { org, machine, atCall } = scene;
      const { id } = await largeGroup(org);
      const path = new RegExp(`/groups/${id}/users`);
      const pages = Math.ceil(
        (await org.dump()).users.filter(({ groups }) => groups.includes(id)).length / 4,
      );
      machine.stream.inventory.stale.add("members", id, "search", Date.now() + 60_000);
      // In the middle of the full run's second look at the members, after the sweep's own.
      atCall(
        path,
        async () => {
          expect((await machine.stream.status()).run?.phase).toBe("refetch");
          await start(machine, "delta");
          atCall(
            path,
            async () => {
              expect((await machine.stream.status()).delta?.phase).toBe("refetch");
              await org.fault({
                kind: "500",
                match: { endpoint: "GET /api/v1/groups/{id}/users", times: 1 },
              });
            },
            1,
          );
        },
        pages + 1,
      );
      await start(machine, "full");
      await machine.toRest();
      expect(await wrong(scene)).toEqual([]);
      expect([...machine.storage.sql.exec("SELECT listing FROM sweeps")]).toEqual([]);
    }));

  test("a list of users with roles that is refused leaves the last known roles as they are", () =>
    stage({ searchLagMs: 0, listLagMs: 0 }, async ({ org, machine }) => {
      const rows = () => [...machine.storage.sql.exec("SELECT user_id, roles FROM admins ORDER BY user_id")];
      const before = rows();
      expect(before.length).toBeGreaterThan(0);
      machine.stream.inventory.stale.add("assignees", "all", "log", Date.now());
      await org.fault({ kind: "403", match: { endpoint: "GET /api/v1/iam/assignees/users" } });
      await run(machine, "delta");
      expect(rows()).toEqual(before);
      expect(machine.stream.inventory.meta.get("roles")).toMatchObject({ reason: "forbidden" });

      // A later list makes up for it, even in a run that began before the failure.
      await org.clearFaults();
      await machine.passTime(1000);
      await run(machine, "full");
      expect(machine.stream.inventory.meta.get("roles")).toMatchObject({ reason: null });
    }));
});

test("a delta run that only handles confirmed deletions polls the log once somebody asks for a delta run", () =>
  stage({ searchLagMs: 0, listLagMs: 0 }, async (scene) => {
    const { org, machine } = scene;
    const [gone, person] = (await org.dump()).users.filter(({ status }) => status === "ACTIVE");
    machine.storage.sql.exec("INSERT INTO absentees (id, confirmed) VALUES (?, 0)", gone?.id ?? "");
    expect(machine.stream.confirmDeletions()).toMatchObject({ ok: true });
    await org.change("POST", `/users/${person?.id}/suspend`);
    expect(await start(machine, "delta")).toMatchObject({ started: false });
    await machine.toRest();
    expect(await wrong(scene)).toEqual([]);
  }));

test("a third request in a row makes a delta run poll again, and search no more than before", () =>
  stage({ searchLagMs: 0, listLagMs: 0 }, async ({ machine, atCall }) => {
    const ask = async () => void (await start(machine, "delta"));
    atCall(/\/logs/, ask);
    atCall(/\/logs/, ask);
    await run(machine, "delta");
    const [last] = machine.stream.runs();
    expect(last?.calls.by_endpoint).toEqual({
      "GET /api/v1/logs": 3,
      "GET /api/v1/users": 1,
      "GET /api/v1/groups": 1,
    });
  }));

test("a log that fills a page with every call keeps no delta run from its end, and what it told is in", () =>
  stage({ searchLagMs: 0, listLagMs: 0 }, async ({ org, machine, atCall }) => {
    const { members, others } = await largeGroup(org);
    await org.change("POST", `/users/${members[0]}/suspend`);
    // The machine asks for pages of 4 events.
    let isBusy = true;
    const busy = async (): Promise<void> => {
      if (!isBusy) return;
      for (let n = 0; n < 5; n++) await org.change("POST", `/users/${others[n]}/sign-in`);
      atCall(/\/logs$/, busy);
    };
    await busy();
    const before = (await org.stats()).calls["GET /api/v1/logs"] ?? 0;
    const from = Date.now();
    await start(machine, "delta");
    for (let n = 0; n < 60 && machine.isOn("delta"); n++) await machine.slice();
    expect(machine.stream.runs()[0]).toMatchObject({ kind: "delta", state: "done" });
    expect(((await org.stats()).calls["GET /api/v1/logs"] ?? 0) - before).toBeLessThanOrEqual(6);
    expect(machine.stream.inventory.assets.statusOf(members[0] ?? "")).toBe("SUSPENDED");
    // What came while it polled is left to the next run, and not claimed.
    const { current_as_of: asOf } = await machine.stream.status();
    expect(Date.parse(asOf ?? "")).toBeLessThanOrEqual(from + 1_000);
    isBusy = false;
    await run(machine, "delta");
    expect(await wrong({ org, machine })).toEqual([]);
  }));
