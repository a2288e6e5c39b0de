import { describe, expect, test } from "vitest";
import { bodyFor } from "../../src/alerts/payload.ts";
import type { Alert } from "../../src/contract/alerts.ts";

const alert: Alert = {
  code: "sink_stopped",
  severity: "error",
  detail: "Nothing is delivered to 1 sink: <siem> & co.",
  remedy: "Correct it.",
  connection: "acme",
  stream: "users",
  since: "2026-11-26T12:00:00.000Z",
  resolved: false,
  link: "https://okta.example.com/console/sinks?connection=acme&x=1",
};
const slack = (over: Partial<Alert> = {}): string =>
  JSON.parse(bodyFor({ type: "slack" }, { ...alert, ...over })).text;

test("a webhook gets the alert as it is", () => {
  expect(JSON.parse(bodyFor({ type: "webhook" }, alert))).toEqual(alert);
});

describe("Slack gets text", () => {
  test("in which no character of it is markup, with where, what, what to do, since when and the link", () => {
    expect(slack()).toBe(
      ":red_circle: *acme/users: sink_stopped*\n" +
        "Nothing is delivered to 1 sink: &lt;siem&gt; &amp; co.\n" +
        "Correct it.\n" +
        "Since <!date^1795694400^{date_short_pretty} {time}|2026-11-26T12:00:00.000Z>. " +
        "<https://okta.example.com/console/sinks?connection=acme&amp;x=1|Open the console>",
    );
  });

  test("that says when it has ended", () => {
    const text = slack({ resolved: true, link: null });
    expect(text).toContain(":white_check_mark: *acme/users: sink_stopped* has ended");
    expect(text).not.toContain("Correct it.");
  });

  test("that nobody can make too long", () => {
    expect(slack({ detail: "x".repeat(100_000) }).length).toBeLessThanOrEqual(3_000);
  });
});
