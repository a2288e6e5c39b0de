/** Private keys as people paste them. */
import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsePrivateKey } from "../../src/config/private-key.ts";
import { importSigningKey } from "../../src/okta/oauth/keys.ts";
import { examples } from "../support/seeds.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pkcs8 = String(rsa.privateKey.export({ type: "pkcs8", format: "pem" }));
const pkcs1 = String(rsa.privateKey.export({ type: "pkcs1", format: "pem" }));
const publicPem = String(rsa.publicKey.export({ type: "spki", format: "pem" }));
const jwk = { ...rsa.privateKey.export({ format: "jwk" }), kid: "mine" };
const otherJwk = { ...other.privateKey.export({ format: "jwk" }), kid: "other" };
const publicJwk = rsa.publicKey.export({ format: "jwk" });

const message = new TextEncoder().encode("a message");
const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;

/** Whether what was read signs as the key does. */
const signs = async (text: string): Promise<boolean> => {
  const signing = await importSigningKey(text, null);
  if (!signing.ok) return false;
  const der = rsa.publicKey.export({ type: "spki", format: "der" });
  const verifier = await crypto.subtle.importKey("spki", der, algorithm, false, ["verify"]);
  const signature = await crypto.subtle.sign(algorithm.name, signing.value.key, message);
  return crypto.subtle.verify(algorithm.name, verifier, signature, message);
};

const expectRead = async (value: string | Record<string, unknown>, keyId?: string): Promise<void> => {
  const read = parsePrivateKey(value, keyId ?? null);
  expect(read).toMatchObject({ ok: true });
  expect(read.ok && (await signs(read.value))).toBe(true);
};

const forms: Readonly<Record<string, string>> = {
  "PKCS#8": pkcs8,
  "PKCS#1": pkcs1,
  "a JWK": JSON.stringify(jwk),
  "a set with one key": JSON.stringify({ keys: [jwk] }),
  "a set with its public part, too": JSON.stringify({ keys: [publicJwk, jwk] }),
};

/** What people do to a key on its way into a setting. */
const wrappings: Readonly<Record<string, (text: string) => string>> = {
  "line ends spelt \\n, the last one as well": (text) => text.replaceAll("\n", "\\n"),
  "line ends spelt \\r\\n": (text) => text.replaceAll("\n", "\\r\\n"),
  "line ends of Windows": (text) => text.replaceAll("\n", "\r\n"),
  "blanks around": (text) => `  ${text}\n\n`,
  "double quotes": (text) => `"${text}"`,
  "single quotes": (text) => `'${text}'`,
  "as a JSON text": (text) => JSON.stringify(text),
  base64: (text) => btoa(text),
  "base64 in lines": (text) => btoa(text).replaceAll(/.{64}/g, "$&\n"),
};

describe("a key is read", () => {
  test.each(Object.keys(forms))("%s as it is", (name) => expectRead(forms[name] ?? ""));

  test.each(
    ["PKCS#8", "PKCS#1"].flatMap((form) =>
      Object.keys(wrappings).map((wrapping) => [form, wrapping] as const),
    ),
  )("%s with %s", (form, wrapping) => expectRead((wrappings[wrapping] ?? String)(forms[form] ?? "")));

  test("with any two of these around it", async () => {
    const around = Object.values(wrappings);
    const form = fc.constantFrom(...Object.values(forms));
    const two = fc.tuple(fc.constantFrom(...around), fc.constantFrom(...around));
    await fc.assert(
      fc.asyncProperty(form, two, async (text, [first, second]) => {
        // Line ends within a JSON text are spelt in it; spelling them once more makes it another text.
        const isJson = text.startsWith("{");
        const spelt = [first(text), second(first(text))].some(
          (one) => one.includes("\\n") || one.includes("\\r"),
        );
        fc.pre(!isJson || !spelt);
        fc.pre(!second(first(text)).startsWith('"{'));
        await expectRead(second(first(text)));
      }),
      examples(20),
    );
  });

  test("on one line with blanks for line ends, or with text around it", async () => {
    await expectRead(pkcs8.replaceAll("\n", " "));
    await expectRead(`Bag Attributes\n  localKeyID: 01\n${pkcs8}\ntrailing`);
  });

  test("out of a set with several, by its id", () => expectRead({ keys: [otherJwk, jwk] }, "mine"));
});

describe("a key is refused, and never repeated", () => {
  const sec1 =
    "-----BEGIN EC PRIVATE KEY-----\nMGsCAQEEIFV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXV1dXU=\n-----END EC PRIVATE KEY-----";
  test.each([
    ["the public part, as a PEM", publicPem, "pem_public"],
    ["the public part, in base64", btoa(publicPem), "pem_public"],
    ["the public part, as a JWK", JSON.stringify(publicJwk), "jwk_public"],
    ["a set of public parts", JSON.stringify({ keys: [publicJwk] }), "jwk_public"],
    ["a set of several private keys", JSON.stringify({ keys: [jwk, otherJwk] }), "jwk_set"],
    ["a certificate", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "pem_public"],
    ["an encrypted PKCS#8", pkcs8.replaceAll("PRIVATE", "ENCRYPTED PRIVATE"), "pem_encrypted"],
    [
      "an encrypted PKCS#1",
      pkcs1.replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n"),
      "pem_encrypted",
    ],
    ["an EC key of the old form", sec1, "pem_not_pkcs8"],
    ["one that is cut off", pkcs8.slice(0, 800), "pem_damaged"],
    ["PKCS#1 that is damaged", pkcs1.replace(/\n[A-Za-z0-9+/]{64}\n/, "\n"), "pem_damaged"],
    ["something else", "correct horse battery staple", "not_a_key"],
    ["broken JSON", '{"kty":"RSA"', "broken_jwk"],
  ])("%s", (_, text, code) => {
    expect(parsePrivateKey(text)).toEqual({ ok: false, error: { code } });
  });
});
