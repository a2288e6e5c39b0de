/**
 * From what a person or an alert calls an account to something that can be looked up: normalised and classified, or
 * refused. Pure.
 */
import { err, ok, type Result } from "../lib/result.ts";

/**
 * - `id` looks like an id that Okta makes and like nothing else. It keeps its case, which distinguishes ids
 * - `email` has an `@`: a login, or else a profile e-mail
 * - `username` is anything else: a login without its domain, a whole login, or an id of another form
 *
 * `value` is folded to lower case except for ids. `given` is what Okta is asked for: the original spelling of what
 * may be an id, else `value`. `key` names kind and value, for caches and single flight.
 */
export interface Identifier {
  readonly kind: "id" | "email" | "username";
  readonly value: string;
  readonly given: string;
  readonly key: string;
}

export interface IdentifierRefusal {
  readonly code: "invalid_account";
  /** What is wrong and what a valid one looks like; repeats at most a short piece of what was given. */
  readonly message: string;
}

/** In UTF-16 units. RFC 5321 allows 64 + 1 + 255 in an address; Okta's logins are shorter. */
const MAX_LENGTH = 320;

/** `00` and 16 to 20 letters and digits; Okta makes 20 characters, its documentation's examples are shorter. */
const OKTA_ID = /^00[A-Za-z0-9]{16,20}$/;

/** What the inventory accepts as an id. Only Okta can tell whether it is one. */
const ID = /^[A-Za-z0-9_-]{1,100}$/;

/** `CORP\` in front of something; `.\` is Windows for "this machine". */
const WINDOWS_DOMAIN = /^[A-Za-z0-9._-]+\\(?=.)/;

/** Control, invisible formatting, line and paragraph separators, lone surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Percent-encoded dot, slash, backslash or control character: text that a second decoding turns hostile. */
const ENCODED = /%(?:2e|2f|5c|[01][0-9a-f]|7f)/i;

const EXAMPLES = "send an e-mail address (jane@example.com), a username (jane) or an Okta user id";

/**
 * Lower case, letter by letter, without ever turning a letter from outside ASCII into an ASCII one: U+212A
 * (KELVIN SIGN) lower-cases to `k`, and a look-alike must not become another person's login.
 */
export const foldCase = (text: string): string => {
  let folded = "";
  for (const letter of text) {
    const lower = letter.toLowerCase();
    folded += letter > "\u007f" && lower.length === 1 && lower <= "\u007f" ? letter : lower;
  }
  return folded;
};

const identify = (kind: Identifier["kind"], value: string): Identifier => ({
  kind,
  value,
  given: value,
  key: `${kind}:${value}`,
});

/** Whether a name may be an id as well. */
export const mayBeId = ({ kind, given }: Identifier): boolean => kind === "username" && ID.test(given);

/**
 * A name that may be an id keeps its spelling. Where it has a digit, as every id of Okta's has, so does the key:
 * another spelling is another account then. Letters alone are a name, whose spellings share one key.
 */
const asSpelt = (name: Identifier, given: string): Identifier => {
  const spelt = { ...name, given };
  if (!mayBeId(spelt)) return name;
  return /\d/.test(given) ? { ...spelt, key: `${name.kind}:${given}` } : spelt;
};

/** An account's id as an identifier. */
export const idIdentifier = (id: string): Identifier => identify("id", id);

/** An account's login or e-mail as an identifier, as someone would ask for it. */
export const nameIdentifier = (name: string): Identifier => {
  const folded = foldCase(name);
  return identify(folded.includes("@") ? "email" : "username", folded);
};

const refuse = (message: string) => err<IdentifierRefusal>({ code: "invalid_account", message });

const codePoint = (text: string): string =>
  `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

const MAILTO = /^mailto:/i;

/** `mailto:jane@example.com?subject=…` → `jane@example.com`. */
const withoutMailto = (text: string): string =>
  MAILTO.test(text) ? (text.replace(MAILTO, "").split("?", 1)[0] ?? "").trim() : text;

/**
 * Normalises and classifies: trims, strips `mailto:` and `DOMAIN\`, folds case.
 * @param given as it was sent, already decoded from the URL
 * @returns the identifier, or `invalid_account`: it is empty, too long, `me` (which Okta answers with the token's
 *   owner) or a dot path, or it holds a slash, a percent-encoded one of these, or an invisible character
 */
export const parseIdentifier = (given: string): Result<Identifier, IdentifierRefusal> => {
  const trimmed = given.trim();
  if (trimmed.length > MAX_LENGTH) {
    return refuse(
      `The account is ${trimmed.length} characters long, and ${MAX_LENGTH} is the maximum; ${EXAMPLES}.`,
    );
  }
  const bare = withoutMailto(trimmed).replace(WINDOWS_DOMAIN, "").trim();
  if (bare === "") return refuse(`The account is empty; ${EXAMPLES}.`);
  const invisible = INVISIBLE.exec(bare);
  if (invisible !== null) {
    return refuse(
      `The account holds a control or invisible character (${codePoint(invisible[0])}); ${EXAMPLES}.`,
    );
  }
  if (bare.includes("/"))
    return refuse(
      `The account holds a slash; ${EXAMPLES}. A login with a slash is found by its id. In a URL, a backslash has to be written %5C.`,
    );
  if (/^\.+$/.test(bare)) return refuse(`The account is a path, not a name; ${EXAMPLES}.`);
  const encoded = ENCODED.exec(bare);
  if (encoded !== null)
    return refuse(`The account holds ${encoded[0]}, which is encoded once too often; ${EXAMPLES}.`);
  if (OKTA_ID.test(bare)) return ok(identify("id", bare));
  const name = nameIdentifier(bare);
  return name.value === "me"
    ? refuse(`The account "me" would be the connector's own; ${EXAMPLES}.`)
    : ok(asSpelt(name, bare));
};

/** A text literal in Okta's `search` language. */
const literal = (text: string): string => `"${text.replace(/[\\"]/g, "\\$&")}"`;

/** Everyone whose profile e-mail this is. */
export const searchByEmail = (email: string): string => `profile.email eq ${literal(email)}`;

/** Everyone whose login is this name with some domain. */
export const searchByShortName = (name: string): string => `profile.login sw ${literal(`${name}@`)}`;

/**
 * Everyone who answers to this address, as login or as e-mail. Okta's documentation of user search shows no
 * `or`, so a server may refuse it.
 */
export const searchByAddress = (address: string): string =>
  `profile.email eq ${literal(address)} or profile.login eq ${literal(address)}`;

/** The names of an account. */
export interface AccountNames {
  readonly id: string;
  readonly login: string | null;
  readonly email: string | null;
}

/** Whether Okta's answer to `GET /users/{identifier}` is that account: by its exact id, or by its name in any case. */
export const isNamed = (identifier: Identifier, names: AccountNames): boolean => {
  const value = foldCase(identifier.value);
  const login = names.login === null ? null : foldCase(names.login);
  if (names.id === identifier.given) return true;
  if (login === null) return false;
  return login === value || (identifier.kind !== "email" && login.startsWith(`${value}@`));
};

/** Whether this is the account's profile e-mail, in any case. */
export const hasEmail = (email: string, names: AccountNames): boolean =>
  names.email !== null && foldCase(names.email) === email;

/** Whether the identifier may mean the account: by id, login, short name or e-mail. */
export const answersTo = (identifier: Identifier, names: AccountNames): boolean =>
  isNamed(identifier, names) || (identifier.kind === "email" && hasEmail(identifier.value, names));
