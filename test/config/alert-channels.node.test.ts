import { describe, expect, test } from "vitest";
import { channelsFor, readAlertChannels, wantedChanges } from "../../src/config/alert-channels.ts";

const SECRET = "https://hooks.slack.com/services/T000/B000/very-secret-path";
const read = (alerts: unknown, env: Readonly<Record<string, unknown>> = {}) =>
  readAlertChannels({ SLACK_URL: SECRET, ALERTS: alerts, ...env }, ["default", "acme"]);
const soc = { type: "slack", name: "soc", url_secret: "SLACK_URL" };

test("nothing set is no channel and no problem", () => {
  for (const nothing of [undefined, "", "  ", "[]", []])
    expect(read(nothing)).toMatchObject({ channels: [], problems: [] });
});

test("a channel as text or as a list, with its defaults", () => {
  const channel = { type: "slack", name: "soc", url: SECRET, codes: null, names: false, connections: null };
  expect(read(JSON.stringify([soc])).channels).toEqual([channel]);
  expect(read([soc]).channels).toEqual([channel]);
});

test.each([
  ["not json", "ALERTS", "not JSON"],
  ['{"type": "slack"}', "ALERTS", "not a JSON list"],
  [["slack"], "ALERTS[0]", "not an object"],
  [[{ ...soc, type: "mail" }], "ALERTS[0].type", '"webhook" or "slack"'],
  [[{ ...soc, name: "so c" }], "ALERTS[0].name", "1 to 64 letters"],
  [[{ ...soc, url_secret: undefined }], "ALERTS[0].url_secret", "name of the secret"],
  [[{ ...soc, url_secret: "OTHER" }], "ALERTS[0].url_secret", "he secret OTHER is not set"],
  [[{ ...soc, codes: ["stale", "nonsense"] }], "ALERTS[0].codes", "credential_rejected"],
  [[{ ...soc, codes: [] }], "ALERTS[0].codes", "codes of alerts"],
  [[{ ...soc, names: "yes" }], "ALERTS[0].names", "true or false"],
  [[{ ...soc, connections: ["other"] }], "ALERTS[0].connections", "they have default, acme"],
  [[{ ...soc, url: SECRET }], "ALERTS[0].url", "known keys are type, name, url_secret"],
  [[soc, { ...soc }], "ALERTS[1].name", "nother channel has this name"],
])("%j is refused at %s", (alerts, setting, words) => {
  const { problems } = read(alerts);
  expect(problems).toMatchObject([{ setting, message: expect.stringContaining(words) }]);
});

test("one wrong channel leaves the others, and no problem repeats an address", () => {
  const { channels, problems } = read([
    { ...soc, name: "a b" },
    soc,
    { ...soc, name: "x", url_secret: SECRET },
  ]);
  expect(channels.map(({ name }) => name)).toEqual(["soc"]);
  expect(problems).toHaveLength(2);
  expect(JSON.stringify(problems)).not.toContain("very-secret-path");
});

describe("an address", () => {
  test.each([
    ["http://hooks.example.com/x", "https://"],
    ["https://10.0.0.1/x", "private"],
    ["https://user:pass@hooks.example.com/x", "user name"],
    ["hooks", "not a URL"],
  ])("%s is refused", (url, words) => {
    const { problems } = read([soc], { SLACK_URL: url });
    expect(problems).toMatchObject([
      { setting: "ALERTS[0].url_secret", message: expect.stringContaining(words) },
    ]);
    expect(problems[0]?.message).not.toContain("user:pass");
  });

  test("of this machine is allowed for local work alone", () => {
    const local = { SLACK_URL: "http://127.0.0.1:9000/hook" };
    expect(read([soc], local).channels).toEqual([]);
    expect(read([soc], { ...local, ALLOW_LOOPBACK: "true" }).channels).toHaveLength(1);
  });
});

test("PUBLIC_URL is an origin", () => {
  const url = (value: string) => read(undefined, { PUBLIC_URL: value }).publicUrl;
  expect(url("https://okta.example.com/")).toEqual({ ok: true, value: "https://okta.example.com" });
  for (const wrong of [
    "okta.example.com",
    "http://okta.example.com",
    "https://okta.example.com/console",
    "https://okta.example.com/?a=1",
  ])
    expect(url(wrong)).toMatchObject({ ok: false, problems: [{ setting: "PUBLIC_URL" }] });
});

test("channels of a connection, and the changes that they want", () => {
  const { channels } = read([
    soc,
    { ...soc, name: "acme", connections: ["acme"], codes: ["stale", "admin_granted"] },
  ]);
  expect(channelsFor({ channels }, "default").map(({ name }) => name)).toEqual(["soc"]);
  expect(channelsFor({ channels }, "acme").map(({ name }) => name)).toEqual(["soc", "acme"]);
  expect([...wantedChanges(channels)]).toEqual(["admin_granted"]);
  expect([...wantedChanges(channelsFor({ channels }, "default"))]).toEqual([]);
});
