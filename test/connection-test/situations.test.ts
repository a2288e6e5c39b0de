/** Every situation that the test recognises, made by the simulated org, with its exact message and remedy. */
import { beforeAll, describe, expect, test } from "vitest";
import { connectionTestSchema } from "../../src/connection-test/document.ts";
import { type AppKey, CLIENT, makeAppKey } from "../okta/oauth-support.ts";
import { BASE, control, makeOrg, ssws, tryConnection } from "./support.ts";

let rsa: AppKey;
let other: AppKey;

beforeAll(async () => {
  [rsa, other] = await Promise.all([makeAppKey("RS256", "k1"), makeAppKey("RS256", "k2")]);
});

const app = (key = rsa, clientId = CLIENT) =>
  ({ kind: "oauth", clientId, privateKey: key.privateJwk, keyId: null }) as const;

const withApp = async (client: object = {}, options: Parameters<typeof makeOrg>[0] = {}) => {
  const org = makeOrg(options);
  await control(org, "/oauth-clients", { clientId: CLIENT, jwks: { keys: [rsa.publicJwk] }, ...client });
  return org;
};

const fault = (path: string, kind: string, more: object = {}) => ({ match: { path }, kind, ...more });

const notTried = { status: "unknown", message: "Not tried: see the check users.", remedy: null };

const newToken =
  "Create a token under Security > API > Tokens as an administrator with the Read-only Administrator role, and use it instead. Okta ends a token that makes no call for 30 days, and every token of a deactivated owner.";
const spelling =
  "Check the base URL: it is the address that people sign in to Okta at, like https://your-domain.okta.com.";
const tokenZone =
  "Look at the token under Security > API > Tokens: calls must be allowed from any IP, since a Worker's addresses change. Look also at blocklist zones under Security > Networks.";

test("a refused credential's rate limit is shown with the configured share", async () => {
  const reset = String(Math.ceil(Date.now() / 1000) + 60);
  const headers = {
    "x-rate-limit-limit": "600",
    "x-rate-limit-remaining": "599",
    "x-rate-limit-reset": reset,
  };
  const { check } = await tryConnection(makeOrg(), {
    answer: ({ url }) =>
      url.includes("/api/v1/users")
        ? Response.json({ errorCode: "E0000011", errorSummary: "Invalid token" }, { status: 401, headers })
        : null,
  });
  expect(check("users")).toMatchObject({ status: "fail", rate_limit: { limit: 600, share: 0.5 } });
});

describe("while the test runs", () => {
  test("each check is reported as soon as its own call is answered, the slow one last", async () => {
    const org = makeOrg();
    await control(org, "/faults", [fault("/api/v1/groups", "slow", { ms: 500 })]);
    const { reported } = await tryConnection(org);
    expect(reported[0]).toBe("users");
    expect(reported.at(-1)).toBe("groups");
  });

  test("what stands in the way of every call is reported at once, with all that is not tried", async () => {
    const { reported, calls } = await tryConnection(makeOrg(), { credential: ssws("wrong") });
    expect(reported).toEqual(["users", "groups", "factors", "roles", "devices", "logs"]);
    expect(calls).toHaveLength(2);
  });
});

describe("all is well", () => {
  test("with a token", async () => {
    const { document, calls } = await tryConnection(makeOrg());
    expect(connectionTestSchema.parse(document)).toEqual(document);
    expect(document).toMatchObject({
      ok: true,
      org: { id: expect.stringMatching(/^00o/), pipeline: "idx", base_url: BASE },
      credential: { kind: "ssws" },
      clock_skew_ms: 0,
    });
    expect(document.credential).not.toHaveProperty("scopes");
    expect(document.checks.map(({ name, status, message }) => [name, status, message])).toEqual([
      ["users", "pass", "Users can be read."],
      ["groups", "pass", "Groups can be read."],
      ["factors", "pass", "Factors can be read."],
      ["roles", "pass", "Roles can be read."],
      ["devices", "pass", "Devices can be read."],
      ["logs", "pass", "The System Log can be read."],
    ]);
    expect(document.checks[0]).toEqual({
      name: "users",
      status: "pass",
      http_status: 200,
      okta_error_code: null,
      message: "Users can be read.",
      remedy: null,
      latency_ms: expect.any(Number),
      rate_limit: {
        bucket: "/api/v1/users",
        limit: 600,
        remaining: 599,
        share: 0.5,
        resets_at: expect.stringMatching(/^\d{4}-.*Z$/),
        backing_off_until: null,
      },
    });
    expect(calls).toHaveLength(8);
  });

  test("with a service app: its scopes are shown", async () => {
    const { document, calls } = await tryConnection(await withApp(), { credential: app() });
    expect(document).toMatchObject({
      ok: true,
      credential: {
        kind: "oauth",
        scopes: [
          "okta.users.read",
          "okta.groups.read",
          "okta.roles.read",
          "okta.devices.read",
          "okta.logs.read",
        ],
      },
    });
    expect(calls.filter((call) => call.includes("/token"))).toHaveLength(2);
    expect(calls).toHaveLength(9);
  });
});

describe("the org", () => {
  const first = async (options: Parameters<typeof tryConnection>[1], faults: object[] = []) => {
    const org = makeOrg();
    if (faults.length > 0) await control(org, "/faults", faults);
    const tried = await tryConnection(org, options);
    expect(tried.document.ok).toBe(false);
    for (const { name, status, message, remedy } of tried.document.checks.slice(1)) {
      expect({ name, status, message, remedy }).toEqual({ name, ...notTried });
    }
    // The credential was not sent anywhere.
    expect(tried.calls).toEqual(["GET /.well-known/okta-organization"]);
    return tried.check("users");
  };
  const answering = (make: () => Response) => first({ answer: make });
  const cloudflare = (status: number) => answering(() => new Response("error code: 1016", { status }));

  test("has no DNS name", async () => {
    const finding = {
      status: "fail",
      message: "There is no host acme.okta.com (DNS).",
      remedy: spelling,
    };
    expect(await cloudflare(530)).toMatchObject({ ...finding, http_status: 530 });
    const thrown = answering(() => {
      throw new TypeError("DNS lookup failed.; params = …; Name or service not known");
    });
    expect(await thrown).toMatchObject({ ...finding, http_status: null });
  });

  test.each([
    525,
    526,
    "peer's certificate is not trusted; reason = self signed certificate",
    "TLS handshake failed",
  ])("has no good TLS: %s", async (how) => {
    const check = await (typeof how === "number"
      ? cloudflare(how)
      : answering(() => {
          throw new TypeError(how);
        }));
    expect(check).toMatchObject({
      status: "fail",
      message: "No secure connection to acme.okta.com: its TLS certificate or handshake fails.",
      remedy:
        "For a domain of your own check its certificate in Okta (Customizations > Brands > Domains), or use the org's okta.com address.",
    });
  });

  test("does not answer in time, or not at all", async () => {
    const remedy = "Check the base URL, try again later, and look at status.okta.com.";
    expect(await cloudflare(522)).toMatchObject({
      status: "fail",
      message: "acme.okta.com does not answer in time.",
      remedy,
    });
    const check = await first({}, [fault("/.well-known", "throw")]);
    expect(check).toMatchObject({
      status: "fail",
      message: "The connection to acme.okta.com fails.",
      remedy,
    });
  });

  test.each([
    ["404", "acme.okta.com is not an Okta org (404)."],
    ["html", "acme.okta.com is not an Okta org (200)."],
  ])("is not an Okta org: %s", async (kind, message) => {
    const check = await first({}, [fault("/.well-known", kind)]);
    expect(check).toMatchObject({ status: "fail", message, remedy: spelling });
  });

  test("is another product that answers JSON", async () => {
    expect(await answering(() => Response.json({ hello: "world" }))).toMatchObject({
      status: "fail",
      message: "acme.okta.com answers, but not as an Okta org does.",
      remedy: spelling,
    });
  });

  test("redirects, for instance because it was renamed", async () => {
    const check = await first({}, [
      fault("/.well-known", "redirect", { origin: "https://new-name.okta.com" }),
    ]);
    expect(check).toMatchObject({
      status: "fail",
      http_status: 302,
      message: "acme.okta.com redirects to https://new-name.okta.com, where the credential is not sent.",
      remedy: "If that is your org, use https://new-name.okta.com as the base URL.",
    });
  });

  test("shuts this network out altogether", async () => {
    expect(await first({}, [fault("/.well-known", "403")])).toMatchObject({
      status: "fail",
      message: "Okta refuses calls from this network (403): a network zone is in the way.",
      remedy: tokenZone,
    });
  });

  test("is down, or busy", async () => {
    expect(await first({}, [fault("/.well-known", "503")])).toMatchObject({
      status: "unknown",
      message: "Okta does not answer this now (503).",
      remedy: "Try again later, and look at status.okta.com.",
    });
    expect(await first({}, [fault("/.well-known", "429")])).toMatchObject({
      status: "unknown",
      message: "The org's rate limit leaves no call for this now.",
      remedy: expect.stringMatching(
        /^Try again after \d\d:\d\d:\d\d UTC\. Other applications use the same limit\.$/,
      ),
    });
  });
});

describe("the API token", () => {
  const refused = async (credential = ssws(), faults: object[] = []) => {
    const org = makeOrg();
    if (faults.length > 0) await control(org, "/faults", faults);
    const { document, calls, check } = await tryConnection(org, { credential });
    expect(document.ok).toBe(false);
    expect(JSON.stringify(document)).not.toContain("wrong-token");
    return { document, calls, users: check("users"), groups: check("groups") };
  };

  test("is wrong, revoked or expired", async () => {
    const { users, groups, calls, document } = await refused(ssws("wrong-token"));
    expect(users).toMatchObject({
      status: "fail",
      http_status: 401,
      okta_error_code: "E0000011",
      message: "Okta does not accept the API token (401 E0000011): it is wrong, revoked or expired.",
      remedy: newToken,
    });
    expect(groups).toMatchObject(notTried);
    expect(calls).toHaveLength(2);
    expect(document.org.id).toMatch(/^00o/);
  });

  test("has expired or is inactive", async () => {
    const { users } = await refused(ssws(), [fault("/api/", "403-session")]);
    expect(users).toMatchObject({
      status: "fail",
      http_status: 403,
      okta_error_code: "E0000005",
      message: "The API token has expired or is inactive (403 E0000005).",
      remedy: newToken,
    });
  });

  test("may not be used from here", async () => {
    const { users } = await refused(ssws(), [fault("/api/", "403-network")]);
    expect(users).toMatchObject({
      status: "fail",
      http_status: 403,
      okta_error_code: "E0000006",
      message: "Okta refuses calls from this network (403): a network zone is in the way.",
      remedy: tokenZone,
    });
  });

  test("is refused by something in front of Okta, without Okta's words", async () => {
    const { check } = await tryConnection(makeOrg(), {
      answer: (request) =>
        request.url.includes("/api/") ? new Response("<html>Denied</html>", { status: 403 }) : null,
    });
    expect(check("users")).toMatchObject({ status: "fail", remedy: tokenZone, okta_error_code: null });
  });

  test("has an owner without an admin role", async () => {
    const { document, check } = await tryConnection(makeOrg({ emptyLists: true }));
    expect(document.ok).toBe(false);
    expect(check("users")).toMatchObject({
      status: "fail",
      http_status: 200,
      message:
        "Okta answers with an empty list of users: the token's owner has no admin role that may see any.",
      remedy: "Give the token's owner the Read-only Administrator role (Security > Administrators).",
    });
    expect(check("factors")).toMatchObject({
      status: "unknown",
      message: "Not tried: there is no user to try it on.",
      remedy: null,
    });
  });

  test.each([
    ["users", "users", "Nothing works without users."],
    ["groups", "groups", "Until then groups and what they give stay unknown."],
    ["factors", "factors", "Until then has_mfa stays unknown."],
    [
      "roles",
      "assignees",
      'Where that role may not see administrators, add a custom admin role with the permission "View roles, resources, and admin assignments". Until then it stays unknown who is an admin.',
    ],
    ["devices", "devices", "Until then the devices stream is unavailable; users are not affected."],
    ["logs", "logs", "Until then changes are found by searches and by the daily full run alone."],
  ] as const)("has a role that may not read %s", async (name, resource, cost) => {
    const { document, check } = await tryConnection(makeOrg({ forbid: [resource] }));
    const scope = name === "factors" ? "okta.users.read" : `okta.${name}.read`;
    expect(document.ok).toBe(false);
    expect(check(name)).toMatchObject({
      status: "fail",
      http_status: 403,
      okta_error_code: "E0000006",
      message: `The admin role of the token's owner may not read ${name} (403 E0000006).`,
      remedy: `Give the token's owner the Read-only Administrator role (Security > Administrators), or use a service app with the scope ${scope}. ${cost}`,
    });
  });
});

describe("a feature or a permission is missing", () => {
  test.each([
    ["E0000015", 401, "the feature is not enabled for this org", "enable the feature for the org"],
    [
      "E0000022",
      405,
      "a permission is missing, or the feature is not enabled for this org",
      "Check that the admin role of the token's owner allows it",
    ],
  ])("%s is not taken for a rejected credential", async (code, status, meaning, remedy) => {
    const org = makeOrg();
    await control(org, "/faults", [fault("/api/v1/iam", "okta-error", { code, status })]);
    const { check } = await tryConnection(org);
    expect(check("users")).toMatchObject({ status: "pass" });
    expect(check("roles")).toMatchObject({
      status: "fail",
      http_status: status,
      okta_error_code: code,
      message: `Okta refuses to list roles (${status} ${code}): ${meaning}.`,
      remedy: expect.stringContaining(remedy),
    });
    expect(check("roles")?.remedy).toMatch(/Until then it stays unknown who is an admin\.$/);
  });
});

describe("the second page", () => {
  const OTHER = "https://login.acme.example";

  test("is followed at the configured address, and the other one is named", async () => {
    const { document, check } = await tryConnection(makeOrg({ baseUrl: OTHER }));
    expect(document.ok).toBe(true);
    expect(check("users")).toMatchObject({
      status: "pass",
      message: `Users can be read. Okta's links lead to ${OTHER}; they are followed at ${BASE}.`,
      remedy: `If ${OTHER} is the org's own address, set it as the base URL.`,
    });
  });

  test("on an address that the org does not name is a failure that names it", async () => {
    const { check } = await tryConnection(makeOrg({ nextOrigin: OTHER }));
    expect(check("users")).toMatchObject({
      status: "fail",
      message: `The list of users goes on at ${OTHER}, where the credential is not sent (200).`,
      remedy: `If ${OTHER} is an address of this org, set it as the base URL: OKTA_BASE_URL, or base_url in CONNECTIONS.`,
    });
  });

  test("that is refused, or the first one again, is a failure", async () => {
    const refusing = makeOrg();
    await control(refusing, "/faults", [fault("^/api/v1/users\\?.*after", "400")]);
    expect((await tryConnection(refusing)).check("users")).toMatchObject({
      status: "fail",
      http_status: 400,
    });
    const endless = makeOrg();
    await control(endless, "/faults", [fault("/api/v1/users?", "endless-next")]);
    expect((await tryConnection(endless)).check("users")).toMatchObject({
      status: "fail",
      message: "The list of users does not end: its second page is the first one again.",
    });
  });
});

describe("the service app", () => {
  const refused = async (
    credential: ReturnType<typeof app>,
    client: object = {},
    answer?: (request: Request) => Response | null,
  ) => {
    const org = await withApp(client);
    const tried = await tryConnection(org, { credential, ...(answer && { answer }) });
    expect(tried.document.ok).toBe(false);
    expect(tried.document.org.id).toMatch(/^00o/);
    expect(tried.check("groups")).toMatchObject(notTried);
    expect(tried.calls.length).toBeLessThanOrEqual(10);
    return tried.check("users");
  };
  const atToken = (make: () => Response) => (request: Request) =>
    request.url.endsWith("/token") ? make() : null;

  test.each([
    ["an unknown client ID", () => app(rsa, "0oaNOBODY")],
    ["a key of another app", () => app(other)],
  ])("is not known: %s", async (_, credential) => {
    expect(await refused(credential())).toMatchObject({
      status: "fail",
      http_status: 401,
      okta_error_code: "invalid_client",
      message:
        "Okta does not accept the service app (401 invalid_client): it knows no such client ID, or the key is not one of the app's.",
      remedy:
        "Compare the client ID with the app's page in Okta (Applications > the app > General). Under Public keys an active key must have the same KID and be the other half of this private key.",
    });
  });

  test("comes with a key that cannot be read", async () => {
    const check = await refused({ ...app(), privateKey: '{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"}' });
    expect(check).toMatchObject({
      status: "fail",
      http_status: null,
      message: "The private key cannot be read.",
      remedy:
        "Give the private part of the app's key pair as a JWK or as PKCS#8 PEM (-----BEGIN PRIVATE KEY-----), whole and unencrypted.",
    });
  });

  test("has none of the scopes", async () => {
    expect(await refused(app(), { scopes: ["okta.apps.read"] })).toMatchObject({
      status: "fail",
      http_status: 400,
      okta_error_code: "invalid_scope",
      message: "None of the scopes is granted to the service app (400 invalid_scope).",
      remedy:
        "Grant them under Applications > the app > Okta API Scopes: okta.users.read, okta.groups.read, okta.roles.read, okta.devices.read, okta.logs.read.",
    });
  });

  test("requires DPoP, and the proof is refused", async () => {
    const remedy =
      "Try again. If it stays, a proxy changes the requests or the clock is wrong; DPoP can be turned off under Applications > the app > General > Proof of possession.";
    const check = await refused(
      app(),
      {},
      atToken(() => Response.json({ error: "invalid_dpop_proof" }, { status: 400 })),
    );
    expect(check).toMatchObject({
      status: "fail",
      okta_error_code: "invalid_dpop_proof",
      message: "The service app requires DPoP, and Okta refuses the proof (400 invalid_dpop_proof).",
      remedy,
    });
    const challenge = 'DPoP error="invalid_dpop_proof"';
    const onCall = await refused(app(), {}, (request) =>
      request.url.includes("/api/")
        ? new Response(null, { status: 400, headers: { "www-authenticate": challenge } })
        : null,
    );
    expect(onCall).toMatchObject({
      status: "fail",
      message: "The service app requires DPoP, and Okta refuses the proof of a call (400).",
      remedy,
    });
  });

  test("is inactive", async () => {
    const check = await refused(
      app(),
      {},
      atToken(() => Response.json({ error: "unauthorized_client" }, { status: 400 })),
    );
    expect(check).toMatchObject({
      status: "fail",
      message: "Okta refuses to give the service app an access token (400 unauthorized_client).",
      remedy:
        "Check under Applications that the app is an API Services app, is active, and may use Client Credentials.",
    });
  });

  test("may not sign in from here", async () => {
    const check = await refused(
      app(),
      {},
      atToken(() =>
        Response.json({ error: "access_denied", error_description: "Policy: network zone" }, { status: 403 }),
      ),
    );
    expect(check).toMatchObject({
      status: "fail",
      message: "Okta refuses calls from this network (403): a network zone is in the way.",
      remedy:
        "Look at the app's network settings (Applications > the app > General) and at blocklist zones under Security > Networks: a Worker's addresses change, so a zone cannot list them.",
    });
  });

  test("signs in by a clock that Okta does not accept", async () => {
    const date = new Date(Date.now() + 900_000).toUTCString();
    const check = await refused(
      app(),
      {},
      atToken(() => Response.json({ error: "invalid_client" }, { status: 401, headers: { date } })),
    );
    expect(check).toMatchObject({
      status: "fail",
      message:
        "Okta refuses the sign-in because of its time (401 invalid_client); clock_skew_ms says how far the clocks are apart.",
      remedy: "Set this machine's clock, for instance by NTP, and try again.",
    });
  });

  test("has no admin role: an empty list of users, and no devices", async () => {
    const { document, check } = await tryConnection(await withApp({ adminRole: false }), {
      credential: app(),
    });
    expect(document.ok).toBe(false);
    expect(check("users")).toMatchObject({
      status: "fail",
      http_status: 200,
      message:
        "Okta answers with an empty list of users: the service app has no admin role that may see any.",
      remedy: "Give the app the Read-only Administrator role (Applications > the app > Admin roles).",
    });
    expect(check("devices")).toMatchObject({
      status: "fail",
      http_status: 403,
      message: "The admin role of the service app may not read devices (403 E0000006).",
      remedy:
        "Give the app the Read-only Administrator role (Applications > the app > Admin roles). Until then the devices stream is unavailable; users are not affected.",
    });
  });

  test.each(["users", "groups", "roles", "devices", "logs"])("lacks the scope for %s", async (name) => {
    const all = ["users", "groups", "roles", "devices", "logs"].map((part) => `okta.${part}.read`);
    const scopes = all.filter((scope) => scope !== `okta.${name}.read`);
    const { document, check } = await tryConnection(await withApp({ scopes }), { credential: app() });
    expect(document).toMatchObject({ ok: false, credential: { kind: "oauth", scopes } });
    expect(check(name)).toMatchObject({
      status: "fail",
      http_status: 403,
      okta_error_code: null,
      message: `The access token lacks the scope okta.${name}.read (403).`,
      remedy: expect.stringContaining("Grant it under Applications > the app > Okta API Scopes. "),
    });
  });
});

describe("things that are nobody's fault", () => {
  test("a Classic org has no devices", async () => {
    const { document, check } = await tryConnection(makeOrg({ pipeline: "v1" }));
    expect(document.org.pipeline).toBe("v1");
    expect(check("devices")).toMatchObject({
      status: "fail",
      http_status: 403,
      okta_error_code: "E0000006",
      message: "The org runs on Classic Engine, which has no list of devices (403 E0000006).",
      remedy: "Users are not affected. Devices come with Okta's upgrade of the org to Identity Engine.",
    });
    expect(check("users").status).toBe("pass");
  });

  test.each([
    [600_000, "ahead of"],
    [-600_000, "behind"],
  ])("clocks that are %i ms apart are allowed for and mentioned", async (clockOffsetMs, direction) => {
    for (const credential of [ssws(), app()]) {
      const { document, check } = await tryConnection(await withApp({}, { clockOffsetMs }), { credential });
      expect(document.ok).toBe(true);
      expect(Math.abs((document.clock_skew_ms ?? 0) - clockOffsetMs)).toBeLessThan(9_000);
      expect(check("users")).toMatchObject({
        status: "pass",
        message: expect.stringMatching(
          new RegExp(
            `^Users can be read\\. Okta's clock is (59|60)\\d s ${direction} ours, which is made up for\\.$`,
          ),
        ),
        remedy: "Set this machine's clock, for instance by NTP.",
      });
    }
  });

  test.each([
    ["429", "The org's rate limit leaves no call for this now.", /^Try again after /],
    ["concurrency-429", "The org's rate limit leaves no call for this now.", /^Try again after /],
    ["503", "Okta does not answer this now (503).", /^Try again later/],
    ["500", "Okta does not answer this now (500).", /^Try again later/],
    ["throw", "Okta does not answer this now (the connection failed).", /^Try again later/],
  ])("a temporary %s leaves one thing unknown and the rest fine", async (kind, message, remedy) => {
    const org = makeOrg();
    await control(org, "/faults", [fault("/api/v1/logs", kind)]);
    const { document, check } = await tryConnection(org);
    expect(document.ok).toBe(true);
    expect(check("logs")).toMatchObject({
      status: "unknown",
      message,
      remedy: expect.stringMatching(remedy),
    });
  });

  test.each([
    ["html", "fail", "The answer is not Okta's list of logs (200)."],
    ["truncated", "fail", "The answer is not Okta's list of logs (200)."],
    ["404", "fail", "The org does not know the list of logs (404 E0000007)."],
    [
      "redirect",
      "fail",
      "The list of logs redirects to https://attacker.invalid, where the credential is not sent.",
    ],
  ])("an answer that is not a list: %s", async (kind, status, message) => {
    const org = makeOrg();
    await control(org, "/faults", [fault("/api/v1/logs", kind)]);
    const { document, check, calls } = await tryConnection(org);
    expect(document.ok).toBe(false);
    expect(check("logs")).toMatchObject({ status, message });
    expect(calls).toHaveLength(8);
  });

  test.each(["users", "groups", "devices", "logs"])("JSON that is not Okta's list of %s", async (name) => {
    const answer = ({ url }: Request) =>
      new URL(url).pathname === `/api/v1/${name}` ? Response.json({ hello: "world" }) : null;
    const { document, check } = await tryConnection(makeOrg(), { answer });
    expect(document.ok).toBe(false);
    expect(check(name)).toMatchObject({
      status: "fail",
      http_status: 200,
      message: `The answer is not Okta's list of ${name} (200).`,
      remedy: "Check the base URL: a proxy or another product may be answering.",
    });
  });

  test("a list that goes on at another origin, where a run could not follow it", async () => {
    const org = makeOrg();
    await control(org, "/faults", [fault("/api/v1/groups", "foreign-next")]);
    const { document, check } = await tryConnection(org);
    expect(document.ok).toBe(false);
    expect(check("groups")).toMatchObject({
      status: "fail",
      http_status: 200,
      message:
        "The list of groups goes on at https://attacker.invalid, where the credential is not sent (200).",
      remedy:
        "If https://attacker.invalid is an address of this org, set it as the base URL: OKTA_BASE_URL, or base_url in CONNECTIONS.",
    });
  });

  test("a 500 on a long page is not answered by asking for shorter ones", async () => {
    const org = makeOrg();
    await control(org, "/faults", [fault("/api/v1/groups", "500")]);
    const { check, calls } = await tryConnection(org);
    expect(check("groups")).toMatchObject({ status: "unknown", http_status: 500 });
    expect(calls).toHaveLength(8);
  });

  test("a deprovisioned first user has no factors, which is no failure", async () => {
    const org = makeOrg();
    await control(org, "/faults", [fault("^/api/v1/users/[^/]+/factors", "404")]);
    expect((await tryConnection(org)).check("factors")).toMatchObject({ status: "pass", http_status: 404 });
  });
});

describe("at most ten calls", () => {
  test("with many groups, a nonce and clocks apart", async () => {
    const org = await withApp({}, { groups: 450, clockOffsetMs: 600_000, users: 40 });
    const { calls, document } = await tryConnection(org, { credential: app() });
    expect(document.ok).toBe(true);
    expect(calls.length).toBeLessThanOrEqual(10);
  });

  test("when everything fails", async () => {
    for (const kind of ["500", "429", "404", "html", "403", "reset", "throw"]) {
      const org = await withApp();
      await control(org, "/faults", [fault("/api/", kind)]);
      for (const credential of [ssws(), app()]) {
        const { calls, document } = await tryConnection(org, { credential });
        expect(document.ok).toBe(false);
        expect(calls.length).toBeLessThanOrEqual(10);
      }
    }
  });
});
