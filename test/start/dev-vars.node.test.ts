import { describe, expect, it } from "vitest";
import {
  callingKey,
  namesRealOrg,
  orgHost,
  parseDevVars,
  strayLines,
  strayProblem,
  withApiKey,
} from "../../dev/start/dev-vars.ts";

const KEY = "0123456789abcdef0123456789abcdef";
const OTHER = "fedcba9876543210fedcba9876543210";

describe("the key to call the API with", () => {
  it.each([
    ["", null],
    ["API_KEYS=", null],
    ["API_KEYS= , ", null],
    [`API_KEYS=${KEY}`, KEY],
    [`API_KEYS="${KEY}"`, KEY],
    [`API_KEYS=read:${OTHER},${KEY}`, KEY],
    [`API_KEYS=READ: ${OTHER}`, OTHER],
  ])("of %j", (text, key) => {
    expect(callingKey(parseDevVars(text))).toBe(key);
  });
});

describe("storing a key", () => {
  it.each([
    ["", `API_KEYS=${KEY}\n`],
    ["A=1", `A=1\nAPI_KEYS=${KEY}\n`],
    ["A=1\nAPI_KEYS=\nB=2\n", `A=1\nAPI_KEYS=${KEY}\nB=2\n`],
    ['API_KEYS=""\n', `API_KEYS=${KEY}\n`],
    ["#API_KEYS=\n", `#API_KEYS=\nAPI_KEYS=${KEY}\n`],
  ])("in %j", (before, after) => {
    expect(withApiKey(before, KEY)).toBe(after);
    expect(callingKey(parseDevVars(after))).toBe(KEY);
  });
});

describe("whose org is read", () => {
  it.each([
    ["", false],
    [`API_KEYS=${KEY}`, false],
    ["OKTA_BASE_URL=\nOKTA_API_TOKEN=\n", false],
    ["OKTA_RATE_LIMIT_SHARE=0.3", false],
    ["OKTA_BASE_URL=https://company.okta.com", true],
    ["OKTA_DOMAIN=company.okta.com", true],
    ["OKTA_API_TOKEN=00token", true],
    ["OKTA_CLIENT_ID=0oa1", true],
  ])("%j: a real one is %s", (text, isReal) => {
    expect(namesRealOrg(parseDevVars(text))).toBe(isReal);
  });

  it.each([
    ["OKTA_BASE_URL=https://company.okta.com", "company.okta.com"],
    ["OKTA_DOMAIN=company.okta.com", "company.okta.com"],
    ["OKTA_BASE_URL=http://127.0.0.1:9000", "127.0.0.1:9000"],
    ["OKTA_BASE_URL=https://", null],
    ["OKTA_API_TOKEN=00token", null],
  ])("%j is on %s", (text, host) => {
    expect(orgHost(parseDevVars(text))).toBe(host);
  });
});

describe("lines that belong to no setting", () => {
  it.each([
    ["", []],
    ["# a comment\n\nexport A=1\n  B = two # why\n", []],
    ["A='[\n  1,\n  2\n]'\nB=\"x\ny\"\nC=`\n`\n", []],
    ['KEY="-----BEGIN\nabc\n-----END"\r\nA=1\r\n', []],
    ['A=[\n  {"b": 1}\n]\nB=1', [2, 3]],
    ["A='x'\nhttps://siem.example.com\n", [2]],
  ])("of %j", (text, lines) => {
    expect(strayLines(text)).toEqual(lines);
    if (lines.length === 0) expect(strayProblem(text)).toBeNull();
    else expect(strayProblem(text)).toMatch(new RegExp(`ine ${lines[0]}\\b.*single quotes`));
  });
});
