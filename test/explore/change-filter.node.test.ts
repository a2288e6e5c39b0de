import { describe, expect, test } from "vitest";
import type { ChangeActor, ChangeEvent } from "../../src/contract/changes.ts";
import { type ChangeFilter, suits } from "../../src/explore/change-filter.ts";

const actorOf = (name: string | null, login: string | null, id = "00uActor"): ChangeActor => ({
  id,
  type: "User",
  login,
  name,
  ip: null,
});

const eventOf = (uuid: string, actor: ChangeActor | null): ChangeEvent => ({
  uuid,
  type: "user.mfa.factor.reset_all",
  published: "2026-11-25T08:14:02.000Z",
  actor,
});

const helpDesk = actorOf("Help Désk", "helpdesk@example.com");
const other = actorOf("Root", "root@example.com", "00uRoot");

const change = {
  id: "00uJane",
  name: "Jane Straße",
  fields: [
    { field: "mfa_enrolled", before: true, after: false },
    { field: "groups", added: ["VPN Users"], removed: ["Café Staff"] },
  ],
  actor: helpDesk,
  events: [eventOf("1", helpDesk), eventOf("2", other)],
};

describe("a change that is looked for", () => {
  test.each<[string, ChangeFilter, boolean]>([
    ["by nothing", {}, true],
    ["by a field that it has", { fields: ["status", "mfa_enrolled"] }, true],
    ["by a field that it has not", { fields: ["status", "mfa"] }, false],
    ["by no field at all", { fields: [] }, false],
    ["by part of the actor's name, without case and accents", { actor: "help desk" }, true],
    ["by part of the actor's login", { actor: "HELPDESK@" }, true],
    ["by the actor's id", { actor: "00uActor" }, true],
    ["by part of the actor's id", { actor: "00uAct" }, false],
    ["by the actor of an earlier event", { actor: "root" }, true],
    ["by somebody else", { actor: "jane" }, false],
    ["by part of its name, in which ß is ss", { text: "STRASSE" }, true],
    ["by its id", { text: "00uJane" }, true],
    ["by part of its id", { text: "00uJan" }, false],
    ["by a group that was joined", { text: "vpn" }, true],
    ["by a group that was left", { text: "cafe staff" }, true],
    ["by the name of a field", { text: "mfa_enrolled" }, false],
    ["by all of it", { fields: ["groups"], actor: "help", text: "jane" }, true],
    ["by all of it but one", { fields: ["groups"], actor: "nobody", text: "jane" }, false],
  ])("%s", (_what, filter, isFound) => {
    expect(suits(change, filter)).toBe(isFound);
  });

  test("of whose actor nothing is told is by nobody", () => {
    const silent = {
      ...change,
      actor: null,
      events: [eventOf("1", null), eventOf("2", actorOf(null, null))],
    };
    expect(suits(silent, { actor: "e" })).toBe(false);
    expect(suits({ ...silent, name: null }, { text: "jane" })).toBe(false);
  });
});
