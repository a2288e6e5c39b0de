/** What a bug in a slice leads to: a line in the log without secrets, and a run that goes on. */
import { reset } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { users } from "../../src/streams/users.ts";
import { withStream } from "../support/lent-stream.ts";

afterEach(() => reset());

test("an exception in a slice is logged without the secrets that it holds, and the run backs off", async () => {
  const lines: string[] = [];
  vi.spyOn(console, "error").mockImplementation((line: string) => lines.push(line));
  const connect = () => {
    throw new Error("sent with Authorization: SSWS 00aBcDeFgHiJkLmNoPqRsTuVwXyZ");
  };
  await withStream({ connection: "t7", stream: "users", definition: users, connect }, async (stream) => {
    await stream.startRun("full");
    await stream.alarm();
    const { state, run } = await stream.status();
    expect({ state, error: run?.error?.code }).toEqual({ state: "backing_off", error: "unavailable" });
  });
  const logged = lines.map((line) => JSON.parse(line));
  expect(logged).toMatchObject([
    {
      level: "error",
      event: "slice_threw",
      connection: "t7",
      stream: "users",
      message: "sent with Authorization: SSWS [redacted]",
    },
  ]);
  expect(lines.join()).not.toContain("00aBcDeF");
});
