/** The s3 sink against a store that checks what S3 checks. */
import * as fc from "fast-check";
import { afterEach, describe, expect, it, test } from "vitest";
import { testSink } from "../../src/delivery/test-sink.ts";
import { examples } from "../support/seeds.ts";
import { eventOf } from "./events.ts";
import { closeServers, configured, openSink, serveLocally, tools, tryOut } from "./local-sinks.ts";
import { authorizationOf, S3Receiver } from "./receivers/s3.ts";

const secretAccessKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const accessKeyId = "AKIAIOSFODNN7EXAMPLE";

afterEach(closeServers);

const start = async (over: Partial<S3Receiver["options"]> = {}) => {
  const receiver = new S3Receiver({
    bucket: "okta-events",
    region: "eu-west-1",
    accessKeyId,
    secretAccessKey,
    now: Date.now,
    ...over,
  });
  const server = await serveLocally(receiver);
  return { receiver, server };
};

const base = {
  type: "s3",
  name: "lake",
  region: "eu-west-1",
  bucket: "okta-events",
  prefix: "okta/",
  access_key_id: accessKeyId,
  secret_access_key_secret: "S3_KEY",
};

const sinkOf = (setting: object, secret = secretAccessKey) => openSink(setting, () => secret);
const trial = (setting: object, secret = secretAccessKey) => tryOut(setting, () => secret);

// eventOf(1) was seen at 1,700,000,001 s, which is 2023-11-14T22:13:21Z.
const batch = [eventOf(1), eventOf(2), eventOf(3, "u3", { name: "Zoë \u2028" })];
const key = "okta/class_uid=5003/date=2023-11-14/hour=22/default-users-1-3.ndjson.gz";

describe("s3", () => {
  it("writes what the r2 sink writes, path-style and signed", async () => {
    const { receiver, server } = await start();
    expect(await sinkOf({ ...base, endpoint: server.url }).deliver(batch)).toEqual({ kind: "accepted" });
    expect([...receiver.objects.keys()]).toEqual([key]);
    expect(receiver.objects.get(key)?.type).toBe("application/gzip");
    expect(await receiver.textOf(key)).toBe(`${batch.map(({ json }) => json).join("\n")}\n`);
  });

  it("takes the endpoint with the bucket at its end, as R2 shows it", async () => {
    const { receiver, server } = await start();
    await sinkOf({ ...base, endpoint: `${server.url}/okta-events` }).deliver(batch);
    expect([...receiver.objects.keys()]).toEqual([key]);
  });

  it("keeps snapshots in parts with a manifest", async () => {
    const { receiver, server } = await start();
    const writer =
      configured({ ...base, endpoint: server.url }, () => secretAccessKey).snapshots?.(tools) ??
      expect.fail("none");
    const part = { runId: "run-1", startedAt: Date.UTC(2026, 10, 25), part: 1 };
    const pages = async function* () {
      yield batch.slice(0, 2);
      yield batch.slice(2);
    };
    expect(await writer.writePart(part, pages())).toEqual({ kind: "accepted" });
    expect(await writer.finish(part, { parts: 1, events: 3 })).toEqual({ kind: "accepted" });
    const folder = "okta/snapshots/class_uid=5003/date=2026-11-25/run=run-1/default-users";
    expect([...receiver.objects.keys()]).toEqual([`${folder}-00001.ndjson.gz`, `${folder}-manifest.json`]);
    expect(await receiver.textOf(`${folder}-00001.ndjson.gz`)).toBe(
      `${batch.map(({ json }) => json).join("\n")}\n`,
    );
    expect(JSON.parse(await receiver.textOf(`${folder}-manifest.json`))).toEqual({
      connection: "default",
      stream: "users",
      run_id: "run-1",
      started_at: "2026-11-25T00:00:00.000Z",
      parts: 1,
      events: 3,
    });
  });

  it("waits for an inventory that fails in the middle of a part, and writes nothing", async () => {
    const { receiver, server } = await start();
    const writer =
      configured({ ...base, endpoint: server.url }, () => secretAccessKey).snapshots?.(tools) ??
      expect.fail("none");
    const pages = async function* () {
      yield batch;
      throw new Error("the stream was reset");
    };
    expect(await writer.writePart({ runId: "r", startedAt: 0, part: 1 }, pages())).toMatchObject({
      kind: "retry",
      error: { code: "inventory", status: null },
    });
    expect(receiver.objects.size).toBe(0);
  });

  it("is tried without writing, and says what to do", async () => {
    const { receiver, server } = await start();
    const setting = { ...base, endpoint: server.url };
    expect(await trial(setting)).toMatchObject({
      name: "sink:lake",
      status: "pass",
      http_status: 404,
      remedy: null,
    });
    expect(await trial(setting, "another-secret")).toMatchObject({
      status: "fail",
      http_status: 403,
      message: expect.stringContaining("SignatureDoesNotMatch"),
      remedy: expect.stringContaining("secret_access_key_secret"),
    });
    expect(await trial({ ...setting, access_key_id: "AKIANOTTHERE" })).toMatchObject({
      status: "fail",
      remedy: expect.stringContaining("access_key_id"),
    });
    expect(await trial({ ...setting, bucket: "another" })).toMatchObject({
      status: "fail",
      http_status: 404,
      remedy: expect.stringContaining("bucket"),
    });
    expect(await trial({ ...setting, region: "us-east-1" })).toMatchObject({
      status: "fail",
      http_status: 400,
      message: expect.stringContaining("the bucket's region is eu-west-1"),
      remedy: expect.stringContaining("region"),
    });
    const late = { env: {}, connection: "default", fetch, now: () => Date.now() - 16 * 60_000 };
    expect(
      await testSink(
        configured(setting, () => secretAccessKey),
        late,
      ),
    ).toMatchObject({
      status: "fail",
      http_status: 403,
      remedy: expect.stringContaining("set the clock"),
    });
    receiver.mayRead = false;
    expect(await trial(setting)).toMatchObject({ status: "unknown", http_status: 403 });
    server.fault = () => ({ kind: "status", status: 200, body: "<!doctype html><title>Sign in</title>" });
    expect(await trial(setting)).toMatchObject({ status: "fail", http_status: 200 });
    server.fault = () => ({ kind: "status", status: 503, body: "<Error><Code>SlowDown</Code></Error>" });
    expect(await trial(setting)).toMatchObject({ status: "fail", http_status: 503 });
    expect(receiver.objects.size).toBe(0);
    await server.close();
    expect(await trial(setting)).toMatchObject({ status: "fail", http_status: null });
  });
});

const xml = (code: string, rest = "") =>
  `<?xml version="1.0"?>\n<Error>\n <Code>${code}</Code>\n <Message>it&apos;s &lt;so&gt;</Message>${rest}\n</Error>`;

// The statuses and codes are those of "Error responses" in the S3 API reference.
test.each<[string, number, string, Record<string, string>, object]>([
  [
    "a wrong secret",
    403,
    xml("SignatureDoesNotMatch"),
    {},
    { kind: "stopped", error: { code: "credential" } },
  ],
  [
    "a key that may not write",
    403,
    xml("AccessDenied"),
    {},
    { kind: "stopped", error: { code: "credential" } },
  ],
  [
    "a clock that is wrong",
    403,
    xml("RequestTimeTooSkewed"),
    {},
    { kind: "stopped", error: { code: "configuration", message: expect.stringMatching(/set the clock/) } },
  ],
  ["an absent bucket", 404, xml("NoSuchBucket"), {}, { kind: "stopped", error: { code: "configuration" } }],
  [
    "another region",
    301,
    xml("PermanentRedirect", "<Endpoint>okta-events.s3.eu-west-1.amazonaws.com</Endpoint>"),
    { "x-amz-bucket-region": "eu-west-1" },
    {
      kind: "stopped",
      error: { code: "configuration", message: expect.stringMatching(/set region.*region is eu-west-1/) },
    },
  ],
  [
    "a redirect without a body",
    307,
    "",
    { location: "https://okta-events.s3.eu-west-1.amazonaws.com/x" },
    {
      kind: "stopped",
      error: { code: "configuration", message: expect.stringMatching(/to https:.*set region/) },
    },
  ],
  [
    "a wrong region",
    400,
    xml("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"),
    {},
    {
      kind: "stopped",
      error: { code: "configuration", message: expect.stringMatching(/region is eu-west-1/) },
    },
  ],
  ["SlowDown", 503, xml("SlowDown"), {}, { kind: "retry", error: { code: "rate_limited" } }],
  [
    "SlowDown with Retry-After",
    503,
    xml("SlowDown"),
    { "retry-after": "9" },
    { kind: "retry", retryAfterMs: 9000 },
  ],
  ["an error of its own", 500, xml("InternalError"), {}, { kind: "retry", error: { code: "unavailable" } }],
  [
    "a request that came too slowly",
    400,
    xml("RequestTimeout"),
    {},
    { kind: "retry", error: { code: "unavailable" } },
  ],
  [
    "a request that was cut off",
    400,
    xml("IncompleteBody"),
    {},
    { kind: "retry", error: { code: "unavailable" } },
  ],
  ["an object that is too large", 400, xml("EntityTooLarge"), {}, { kind: "too_large" }],
  ["an object that is too large for a proxy", 413, "", {}, { kind: "too_large" }],
  ["a refusal of the content", 400, xml("InvalidRequest"), {}, { kind: "refused" }],
  ["a web page", 200, "<html>Sign in</html>", {}, { kind: "stopped", error: { code: "configuration" } }],
  [
    "half of an error",
    404,
    "<Error><Code>NoSuchBucket</Code><Mess",
    {},
    { error: { code: "configuration" } },
  ],
  [
    "no XML at all",
    403,
    "no",
    {},
    { kind: "stopped", error: { code: "credential", message: expect.stringMatching(/403 .*no$/) } },
  ],
])("reads %s", async (_, status, body, headers, expected) => {
  const { server } = await start();
  server.fault = () => ({ kind: "status", status, body, headers });
  const outcome = await sinkOf({ ...base, endpoint: server.url }).deliver(batch);
  expect(outcome).toMatchObject(expected);
});

test("what an error repeats of the request is not shown, however much it is", async () => {
  const { server } = await start();
  const rest = `<AWSAccessKeyId>${accessKeyId}</AWSAccessKeyId><StringToSign>${"x".repeat(1_000_000)}</StringToSign>`;
  server.fault = () => ({ kind: "status", status: 403, body: xml("SignatureDoesNotMatch", rest) });
  const outcome = await sinkOf({ ...base, endpoint: server.url }).deliver(batch);
  const { error } = outcome as { error: { message: string } };
  expect(error.message).toMatch(/403 .*SignatureDoesNotMatch \(check access_key_id.*\) it's <so>$/);
  expect(error.message).not.toContain(accessKeyId);
  expect(error.message.length).toBeLessThan(500);
});

test("every request is signed as Smithy's signer signs it, whatever the keys, the paths and the bodies", async () => {
  const visible = fc.string({
    unit: fc.constantFrom(..."aZ09 -_.~/+=&?#%:@!$'()*,;[]|\"<>\\^`{}"),
    minLength: 1,
    maxLength: 40,
  });
  const prefixes = visible
    .map((text) => text.replaceAll(" ", "").replace(/^\/+/, ""))
    .filter((text) => text.split("/").every((part) => part !== "." && part !== ".."));
  await fc.assert(
    fc.asyncProperty(
      prefixes,
      fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 60 }).filter((text) => text.trim() !== ""),
      fc.stringMatching(/^[0-9A-Za-z]{1,40}$/),
      fc.stringMatching(/^[a-z]{2}-[a-z]{4,9}-[1-9]$/),
      fc.stringMatching(/^[a-z0-9]{3,20}$/),
      fc.string({ unit: "grapheme" }),
      fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) }),
      fc.constantFrom(
        "https://s3.eu-west-1.amazonaws.com",
        "http://127.0.0.1:9000",
        "https://x.example.com/storage/s3",
      ),
      async (prefix, secret, id, region, bucket, text, now, endpoint) => {
        const seen: Request[] = [];
        const network: typeof fetch = async (input, init) => {
          seen.push(new Request(input, init));
          return new Response("");
        };
        const setting = { ...base, endpoint, prefix, region, bucket, access_key_id: id };
        const sink = configured(setting, () => secret).open({ ...tools, fetch: network, now: () => now });
        await sink.deliver([eventOf(1, "u1", { text })]);
        await sink.test();
        expect(seen.map(({ method }) => method)).toEqual(["PUT", "GET"]);
        for (const request of seen) {
          const body = new Uint8Array(await request.arrayBuffer());
          const { method, headers } = request;
          const url = new URL(request.url);
          const credentials = { region, accessKeyId: id, secretAccessKey: secret.trim() };
          const expected = await authorizationOf(credentials, { method, url, headers, body });
          expect(headers.get("authorization")).toBe(expected);
          const written = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
          const path = decodeURIComponent(url.pathname);
          expect(
            path.startsWith(
              `${new URL(endpoint).pathname.replace(/\/$/, "")}/${bucket}/${written}class_uid=5003/`,
            ),
          ).toBe(true);
        }
      },
    ),
    examples(150),
  );
});
