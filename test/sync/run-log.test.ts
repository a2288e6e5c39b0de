/** What the log says of runs: enough to follow them, and nothing of the people whom they read. */
import { reset } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { type Machine, withMachine } from "../support/machine.ts";
import { createOrg } from "../support/org.ts";
import { stopTime } from "../support/time.ts";

const CONNECTION = "t19";

afterEach(async () => {
  vi.restoreAllMocks();
  await reset();
});

/** All lines that are written, whatever their level. */
const listen = (): string[] => {
  const lines: string[] = [];
  for (const level of ["log", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation((line: unknown) => void lines.push(String(line)));
  return lines;
};

test("a run that starts, backs off, goes on and finishes, and one that is held", async () => {
  stopTime();
  const lines = listen();
  const org = await createOrg(CONNECTION, { users: 12, groups: 3 });
  const people = (await org.dump()).users;
  const play = async (machine: Machine): Promise<void> => {
    await machine.stream.startRun("full");
    await machine.toRest();
    await org.fault({ match: { path: "/api/v1/logs", times: 6 }, kind: "503" });
    await machine.stream.startRun("delta");
    await machine.toRest();
    for (const { id } of people.slice(0, 6)) await org.change("POST", `/users/${id}/delete?silent=true`);
    await machine.stream.startRun("full");
    await machine.toRest();
  };
  await withMachine({ org, stream: "users" }, play);
  const events = lines.map((line) => JSON.parse(line)).filter(({ event }) => event.startsWith("run_"));
  const told = events.map(({ event, kind, state, code }) => [event, kind, state ?? code].join(" ").trim());
  expect(told.filter((line, index) => told.indexOf(line) === index)).toEqual([
    "run_started full",
    "run_finished full done",
    "run_started delta",
    "run_backing_off delta unavailable",
    "run_finished delta done",
    "run_finished full held",
  ]);
  expect(events.find(({ event }) => event === "run_finished")).toMatchObject({
    connection: CONNECTION,
    stream: "users",
    cause: "first",
    calls: expect.any(Number),
    changes: 12,
    deleted: 0,
  });
  const all = lines.join("\n");
  for (const { id, profile } of people) {
    expect(all).not.toContain(id);
    expect(all).not.toContain(String(profile["login"]));
  }
});
