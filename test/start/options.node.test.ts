import { describe, expect, it } from "vitest";
import { parseOptions } from "../../dev/start/options.ts";

describe("the command line of npm start", () => {
  it("has a default for everything", () => {
    expect(parseOptions([])).toEqual({
      ok: true,
      value: {
        users: 1000,
        groups: 150,
        devices: 1000,
        seed: 1,
        port: 8787,
        orgPort: 8790,
        once: false,
        fresh: false,
        help: false,
      },
    });
  });

  it("takes sizes, ports and switches", () => {
    const args = ["--users", "10000", "--groups=20", "--devices", "0", "--seed", "7", "--port", "9000"];
    expect(parseOptions([...args, "--org-port", "9001", "--once", "--fresh", "-h"])).toEqual({
      ok: true,
      value: {
        users: 10_000,
        groups: 20,
        devices: 0,
        seed: 7,
        port: 9000,
        orgPort: 9001,
        once: true,
        fresh: true,
        help: true,
      },
    });
  });

  it.each([
    [["--users", "many"], "--users must be a whole number from 0 to 200000."],
    [["--users", "1e3"], "--users must be a whole number from 0 to 200000."],
    [["--groups", "0"], "--groups must be a whole number from 1 to 20000."],
    [["--port", "65536"], "--port must be a whole number from 1 to 65535."],
    [["--nonsense"], "Unknown option '--nonsense'"],
    [["users"], "Unexpected argument 'users'"],
  ])("refuses %j", (args, message) => {
    const parsed = parseOptions(args);
    expect(parsed).toMatchObject({ ok: false });
    expect(parsed.ok ? "" : parsed.error).toContain(message);
  });
});
