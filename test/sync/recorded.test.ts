/** Runs against answers as recorded exchanges with real orgs have them. The expectations are worked out by hand. */
import { reset } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import exchanges from "../fixtures/recorded/org.json";
import { type Machine, withMachine } from "../support/machine.ts";
import { createOrg, type Json, partOf, type TestOrg } from "../support/org.ts";

afterEach(() => reset());

const RECORDED = "https://acme.okta.com";
const NOT_COMPARED = new Set(["since", "filter"]);
/** The recordings are older than the parameter `fields`, without which the answers have no less. */
const NOT_RECORDED = "fields";

/** A request as the recording names it. */
const nameOf = (address: string): string => {
  const { pathname, searchParams } = new URL(address);
  searchParams.delete(NOT_RECORDED);
  const query = [...searchParams].map(([name, value]) =>
    NOT_COMPARED.has(name) ? name : `${name}=${value.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "{time}")}`,
  );
  return pathname + (query.length === 0 ? "" : `?${query.sort().join("&")}`);
};

/** Answers each request with what was recorded for it, and lists the requests. An unknown one is a failure. */
const replayAt = (origin: string) => {
  const requests: string[] = [];
  const replay = async (input: RequestInfo | URL): Promise<Response> => {
    const name = nameOf(String(input));
    requests.push(name);
    const found = exchanges.find(({ request }) => request === name);
    if (found === undefined) throw new Error(`nothing is recorded for ${name}`);
    const at = (text: string): string => text.replaceAll(RECORDED, origin);
    const headers = new Headers();
    for (const [key = "", value = ""] of found.headers) {
      if (key === "date") headers.set(key, new Date().toUTCString());
      else
        headers.append(key, at(value).replace("{reset}", String(Math.ceil((Date.now() + 1) / 60_000) * 60)));
    }
    const body = found.body === undefined ? null : at(JSON.stringify(found.body));
    return new Response(body, { status: found.status, headers });
  };
  return { requests, replay };
};

const machineOf = async (
  stream: "users" | "devices",
  work: (machine: Machine, requests: string[]) => Promise<void>,
) => {
  const org: TestOrg = await createOrg("t3", { users: 0, groups: 0 });
  const { requests, replay } = replayAt(org.origin);
  await withMachine({ org, stream, pageSize: 1000, fetch: replay }, (machine) => work(machine, requests));
};

const run = async (machine: Machine, kind: "full" | "delta"): Promise<Json> => {
  await machine.stream.startRun(kind);
  await machine.toRest();
  const [last] = machine.stream.runs();
  return { ...last };
};

/** What the recording says of each person. */
const person = (event: Json | undefined): Json => {
  const { name, groups, has_mfa, type, org } = partOf(event ?? {}, "user");
  const [enrichment] = (event?.["enrichments"] ?? []) as Json[]; // the dialect's one
  return { name, groups, has_mfa, type, org, ...partOf(enrichment ?? {}, "data") };
};
const everyone = {
  uid: "00gfixtureall",
  name: "Everyone",
  desc: "All users in your organization",
  privileges: [],
};
const engineering = { uid: "00gfixtureeng", name: "Engineering", desc: null, privileges: [] };
const desk = {
  uid: "00gfixturedesk",
  name: "Service desk",
  desc: "First line",
  privileges: ["Help Desk Administrator"],
};
/** 2026-01-05T07:00:00Z */
const PASSWORD = 1_767_596_400;
const bob = {
  name: "bob@acme.example",
  groups: [everyone, desk],
  has_mfa: false, // pending is not enrolled
  type: "Admin",
  org: { name: "Acme", ou_name: "Service desk" },
  is_enabled: true,
  last_logon: "2026-11-24T07:15:00.000Z",
  last_time_password_change: PASSWORD,
};

test("people, in a full run, a delta run that hears of a change, and one that hears of nothing", async () => {
  await machineOf("users", async (machine, requests) => {
    expect(await run(machine, "full")).toMatchObject({ state: "done", error: null });
    const people = machine.living();
    expect([...people.keys()].sort()).toEqual(
      ["ada", "bob", "cat", "dan"].map((name) => `00ufixture${name}`),
    );
    expect(person(people.get("00ufixtureada"))).toEqual({
      name: "ada@acme.example",
      groups: [everyone, engineering],
      has_mfa: true,
      type: "Admin",
      org: { name: "Acme", ou_name: "Research" },
      is_enabled: true,
      last_logon: "2026-11-25T18:00:00.000Z",
      last_time_password_change: PASSWORD,
    });
    expect(person(people.get("00ufixturebob"))).toEqual(bob);
    expect(person(people.get("00ufixturecat"))).toMatchObject({
      groups: [everyone, engineering],
      has_mfa: null, // refused for this person alone
      type: null,
      is_enabled: false,
      last_logon: null,
    });
    expect(person(people.get("00ufixturedan"))).toMatchObject({
      groups: [],
      has_mfa: false,
      is_enabled: false,
    });
    expect(machine.stream.inventory.countUnknown()).toEqual({ factors: 1 });
    // Each list, each page and each fact once; the page of groups that timed out is asked for in halves.
    expect(requests.filter((name, index) => requests.indexOf(name) !== index)).toEqual([]);

    requests.length = 0;
    expect(await run(machine, "delta")).toMatchObject({ state: "done", error: null });
    expect(person(machine.living().get("00ufixturebob"))).toEqual({ ...bob, is_enabled: false });
    // The log until it is empty, three searches of which one is refused, and nobody again whom a search has shown.
    expect(requests.length).toBeLessThanOrEqual(6);
    const before = [...machine.living().values()];

    // The log tells what a search has shown before: the same state is no new event, and nobody is read again.
    expect(await run(machine, "delta")).toMatchObject({ state: "done", error: null });
    requests.length = 0;
    expect(await run(machine, "delta")).toMatchObject({ state: "done", error: null });
    expect([...machine.living().values()]).toEqual(before);
    expect(requests.length).toBeLessThanOrEqual(4);
  });
});

test("devices", async () => {
  await machineOf("devices", async (machine, requests) => {
    expect(await run(machine, "full")).toMatchObject({ state: "done", error: null });
    const device = partOf(machine.living().get("guofixturemac") ?? {}, "device");
    expect(device).toMatchObject({
      name: "Ada's MacBook Pro",
      type: "Computer",
      os: { name: "macOS", type: "AppleOS", version: "15.1.0" },
      is_managed: true,
      user_uid: "00ufixtureada",
      serial_number: "FIXTURE1",
      encryption_type: "ALL_INTERNAL_VOLUMES",
      updated_time: 1_795_636_800, // 2026-11-25T20:00:00Z
      last_seen_time: 1_795_636_800,
    });
    expect(requests.filter((name) => name.startsWith("/api/v1/devices"))).toHaveLength(1);
  });
});
