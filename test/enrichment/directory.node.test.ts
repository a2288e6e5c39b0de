import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Directory, type NamesDesk } from "../../src/enrichment/directory.ts";
import type { LinkedDevices, NamesAnswer } from "../../src/inventory/api.ts";

const user = { id: "00u1", names: ["jane@example.com"] };
const linked = { at: 1, devices: [{ id: "guo1", name: "Laptop", platform: "macOS", managed: null }] };
const both = { org: true, names: true };

const deskOf = (whoIs: NamesDesk["whoIs"]) => ({
  whoIs: vi.fn<NamesDesk["whoIs"]>(whoIs),
  devicesOf: vi.fn<NamesDesk["devicesOf"]>(async () => linked),
  orgVerdict: vi.fn<NamesDesk["orgVerdict"]>(async () => "unverified"),
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  vi.spyOn(console, "warn").mockReturnValue();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("the directory", () => {
  it("asks for the name and the org in one request", async () => {
    const desk = deskOf(async () => ({ verdict: "same", user }));
    const { user: found, verdict } = new Directory(Date.now).ask(desk, "jane", both);
    expect([await found, await verdict()]).toEqual([user, "same"]);
    expect(desk.whoIs).toHaveBeenCalledExactlyOnceWith("jane", true);
    expect(desk.orgVerdict).not.toHaveBeenCalled();
  });

  it("asks a stream of the version before for the org alone, and for no name for a while", async () => {
    const desk = deskOf(async () => {
      throw new TypeError('The RPC receiver does not implement the method "whoIs".');
    });
    const directory = new Directory(Date.now);
    const first = directory.ask(desk, "jane", both);
    expect([await first.user, await first.verdict()]).toEqual([null, "unverified"]);
    const second = directory.ask(desk, "jane", both);
    expect([await second.user, await second.verdict()]).toEqual([null, "unverified"]);
    expect(desk.whoIs).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(10_000);
    await directory.ask(desk, "jane", both).user;
    expect(desk.whoIs).toHaveBeenCalledTimes(2);
  });

  it("waits a second for a name, and then keeps nobody waiting for a while", async () => {
    const desk = deskOf(() => new Promise(() => {}));
    const directory = new Directory(Date.now);
    const late = vi.fn();
    const first = directory.ask(desk, "jane", { org: false, names: true }).user.then(late);
    await vi.advanceTimersByTimeAsync(999);
    expect(late).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await first;
    expect(late).toHaveBeenCalledExactlyOnceWith(null);
    expect(await directory.ask(desk, "john", { org: false, names: true }).user).toBeNull();
    expect(desk.whoIs).toHaveBeenCalledTimes(1);
  });

  it("does not ask for a name where nothing is cached", async () => {
    const desk = deskOf(async () => ({ verdict: null, user }));
    const { user: found, verdict } = new Directory(Date.now).ask(desk, "jane", { org: true, names: false });
    expect([await found, await verdict()]).toEqual([null, "unverified"]);
    expect(desk.whoIs).not.toHaveBeenCalled();
  });

  it.each<[string, Pick<NamesAnswer, "user" | "devices">, LinkedDevices | null, number]>([
    ["of who has the name, which it has heard already", { user, devices: linked }, linked, 0],
    ["of nobody, while there is no copy", { user: null, devices: null }, null, 0],
    [
      "of somebody else than who has the name",
      { user: { id: "00u2", names: [] }, devices: { at: 1, devices: [] } },
      linked,
      1,
    ],
    ["of somebody whom the inventory does not know", { user: null }, linked, 1],
    ["where a stream of the version before says who has the name", { user }, linked, 1],
  ])("tells the devices %s", async (_, answer, devices, questions) => {
    const desk = deskOf(async () => ({ verdict: null, ...answer }));
    const inquiry = new Directory(Date.now).ask(desk, "jane", both);
    expect(await inquiry.devices("00u1")).toEqual(devices);
    expect(desk.devicesOf).toHaveBeenCalledTimes(questions);
  });

  it("asks for the devices alone where names are of no use", async () => {
    const desk = deskOf(async () => ({ verdict: null, user }));
    const inquiry = new Directory(Date.now).ask(desk, "jane", { org: true, names: false });
    expect(await inquiry.devices("00u1")).toEqual(linked);
    expect(desk.devicesOf).toHaveBeenCalledExactlyOnceWith("00u1");
  });

  it("does not take devices for known that nobody tells", async () => {
    const failing = async (): Promise<never> => {
      throw new TypeError("The RPC receiver does not implement the method.");
    };
    const silent = (): Promise<never> => new Promise(() => {});
    const unnamed = deskOf(async () => ({ verdict: null, user: null }));
    unnamed.devicesOf.mockImplementation(failing);
    expect(await new Directory(Date.now).ask(unnamed, "jane", both).devices("00u1")).toBeUndefined();
    expect(await new Directory(Date.now).ask(deskOf(failing), "jane", both).devices("00u1")).toBeUndefined();
    for (const desk of [deskOf(silent), unnamed]) {
      unnamed.devicesOf.mockImplementation(silent);
      const directory = new Directory(Date.now);
      const late = directory.ask(desk, "jane", both).devices("00u1");
      await vi.advanceTimersByTimeAsync(1_000);
      expect(await late).toBeUndefined();
      expect(await directory.ask(desk, "jane", both).devices("00u1")).toBeUndefined();
    }
  });
});
