/** Headers that settings add to requests. What the connector or the connection sets itself is refused. */
import * as z from "zod";
import { secretName } from "./settings-keys.ts";
import type { Resolver } from "./settings-resolver.ts";

const valueMessage = 'it must be text, or name a secret, for example {"secret": "DD_KEY"}';

/** `{"DD-API-KEY": {"secret": "DD_KEY"}, "X-Env": "prod"}`: a value is text, or names a secret. */
export const headersKey = z.record(
  z.string(),
  z.union([z.string(), z.strictObject({ secret: secretName })], valueMessage),
  'it must be an object of headers, for example {"DD-API-KEY": {"secret": "DD_KEY"}, "X-Env": "prod"}',
);

type WrittenHeaders = z.output<typeof headersKey>;

const mostHeaders = 20;
const longestValue = 4096;

const connections = "it belongs to the connection, not to the events; leave it out";
const own = (instead: string): string => `the connector sets it itself; ${instead}`;

/** Why a header cannot be set, by its name in lower case. */
const closed: Readonly<Record<string, string>> = {
  host: own("the URL says which host it is; leave it out"),
  "content-type": own('leave it out, and choose "format"'),
  "content-encoding": own('leave it out, and set "gzip" to true or false'),
  "content-length": own("leave it out"),
  "user-agent": own("leave it out"),
  accept: own("leave it out"),
  "idempotency-key": own("leave it out"),
  "x-signature": own('leave it out, and name the key in "hmac_secret"'),
  "x-connection": own("leave it out"),
  "x-stream": own("leave it out"),
  cookie: "cookies are for browsers; leave it out, and send the secret in a header such as X-Api-Key",
  cookie2: "cookies are for browsers; leave it out",
  "set-cookie": "it belongs to answers; leave it out",
  // Cloudflare refuses requests of Workers that claim to have come to it.
  "cdn-loop": connections,
  "cf-connecting-ip": connections,
  "cf-worker": connections,
  expect: connections,
  connection: connections,
  "keep-alive": connections,
  "transfer-encoding": connections,
  te: connections,
  trailer: connections,
  upgrade: connections,
  "http2-settings": connections,
};

/** Why a header cannot be set; null if it can. @param authorizedBy the key that sets Authorization already */
const problemOf = (name: string, authorizedBy: string | null): string | null => {
  if (name === "authorization" && authorizedBy !== null)
    return `${authorizedBy} sets Authorization already; leave one of the two out`;
  if (name.startsWith("proxy-")) return connections;
  return Object.hasOwn(closed, name) ? (closed[name] ?? null) : null;
};

/**
 * Judges and resolves the key `headers`.
 *
 * @param authorizedBy the key that sets Authorization already; null if none does
 * @returns the headers by their names in lower case
 */
export const resolveHeaders = (
  written: WrittenHeaders,
  resolver: Resolver,
  authorizedBy: string | null,
): Readonly<Record<string, string>> => {
  const entries = Object.entries(written);
  if (entries.length > mostHeaders)
    resolver.refuse(
      "headers",
      `it holds more than ${mostHeaders} headers; leave out those that are not needed`,
    );
  const headers = new Map<string, string>();
  for (const [given, value] of entries) {
    // A name that is none may be a secret in the wrong place, so it is not repeated.
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/.test(given)) {
      resolver.refuse(
        "headers",
        "a name in it is not that of a header: 1 to 64 letters, digits and hyphens, for example X-Api-Key",
      );
      continue;
    }
    const name = given.toLowerCase();
    const key = `headers.${given}`;
    const problem = problemOf(name, authorizedBy);
    if (problem !== null) resolver.refuse(key, problem);
    else if (headers.has(name))
      resolver.refuse(key, "there is a header of this name already; upper and lower case are the same");
    const text = typeof value === "string" ? value.trim() : resolver.secret(key, value.secret);
    if (typeof value === "string" && !/^[\x20-\x7e]+$/.test(text))
      resolver.refuse(key, "it must be printable ASCII on one line, and not empty, for example prod");
    if (text.length > longestValue) resolver.refuse(key, `it must have at most ${longestValue} characters`);
    headers.set(name, text);
  }
  return Object.fromEntries(headers);
};
