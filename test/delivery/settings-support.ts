/** Judging SINKS in tests, with some secrets and bindings that there are. */
import { expect } from "vitest";
import { parseSinks } from "../../src/delivery/settings.ts";
import type { SinkContext } from "../../src/delivery/settings-resolver.ts";

const secrets: Record<string, string> = {
  SIEM_TOKEN: "s3cr3t-value",
  BROKEN: "two\nlines",
  ES: "id:key",
  EMPTY: "",
  SECRET_URL: "https://Siem.example.com/in/0123456789abcdef?key=k",
  PRIVATE_URL: "https://10.0.0.1/in",
  NO_URL: "not an address",
};

const context = (overrides: Partial<SinkContext> = {}): SinkContext => ({
  secret: (name) => secrets[name],
  binding: (name) => name === "EVENTS" || name === "EVENTS_QUEUE",
  allowLoopback: false,
  ...overrides,
});

export const parse = (value: unknown, overrides: Partial<SinkContext> = {}) => {
  const { accepted, refused } = parseSinks(value, context(overrides));
  return { accepted: accepted.map((sink) => sink.settings), refused };
};

export const http = { type: "http", name: "siem", url: "https://siem.example.com/okta" };

/** A sink, the path of what is wrong with it, and what is said about it. */
export type Wrong = [what: string, sink: object, path: string, message: RegExp];

/** The sink is refused with its name, and the first problem is this one. */
export const expectRefused = (sink: object, path: string, message: RegExp): void => {
  const { accepted, refused } = parse([sink]);
  expect(accepted).toEqual([]);
  expect(refused).toMatchObject([{ name: "siem", problems: [{ path }] }]);
  expect(refused[0]?.problems[0]?.message).toMatch(message);
};
