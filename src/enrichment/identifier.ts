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
 * may be an id, else `value`. `key` names kind and value, for caches and single flight. `whole` is the name with the
 * domain that was in front of it: the login of somebody whose login has that form, if nobody has the name alone.
 */
export interface Identifier {
  readonly kind: "id" | "email" | "username";
  readonly value: string;
  readonly given: string;
  readonly key: string;
  readonly whole?: Identifier;
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

/**
 * `CORP\` in front of something; `.\` is Windows for "this machine". What is copied from logs and scripts often has its
 * backslashes doubled, and a domain may have any name.
 */
const WINDOWS_DOMAIN = /^\\*[^\\]*\\+(?=[^\\])/;

/** Control, invisible formatting, line and paragraph separators, lone surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Characters with which a name is no part of a path: Okta is asked for it by a search. */
const PATHLESS = /[/\\]/;

/** Percent-encoded dot, slash, backslash or control character: text that a second decoding turns hostile. */
const ENCODED = /%(?:2e|2f|5c|[01][0-9a-f]|7f)/i;

const EXAMPLES = "send an e-mail address (jane@example.com), a username (jane) or an Okta user id";

/** Most names are: for them, lower case and composing are what the language does. */
const isAscii = (text: string): boolean => !/[^\0-\x7f]/.test(text);

/**
 * Lower case, letter by letter, without ever turning a letter from outside ASCII into an ASCII one: U+212A
 * (KELVIN SIGN) lower-cases to `k`, and a look-alike must not become another person's login.
 */
export const foldCase = (text: string): string => {
  if (isAscii(text)) return text.toLowerCase();
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

/** Whether Okta may be asked for the name as part of a path. */
export const fitsIntoPath = ({ given }: Identifier): boolean => !PATHLESS.test(given);

/** Unicode's NFC, without ever turning a letter from outside ASCII into an ASCII one; see `foldCase`. */
const composed = (text: string): string => {
  if (isAscii(text)) return text;
  let [done, run] = ["", ""];
  for (const letter of text) {
    const isLookAlike = letter > "\u007f" && letter.normalize("NFC") <= "\u007f";
    if (isLookAlike) [done, run] = [`${done}${run.normalize("NFC")}${letter}`, ""];
    else run += letter;
  }
  return done + run.normalize("NFC");
};

/** The same letters are the same name, however they are put together: `é` is one character or two. */
const normalized = (name: string): string => foldCase(composed(name));

/** An account's login or e-mail as an identifier, as someone would ask for it. */
export const nameIdentifier = (name: string): Identifier => {
  const folded = normalized(name);
  return identify(folded.includes("@") ? "email" : "username", folded);
};

/** The name that a key stands for. */
export const identifierOfKey = (key: string): Identifier => {
  const value = key.slice(key.indexOf(":") + 1);
  return key.startsWith("id:") ? idIdentifier(value) : { ...nameIdentifier(value), key };
};

const refuse = (message: string) => err<IdentifierRefusal>({ code: "invalid_account", message });

const codePoint = (text: string): string =>
  `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

const MAILTO = /^mailto:/i;

/** `mailto:jane%2Bsoc@example.com?subject=…` → `jane+soc@example.com` (RFC 6068). Null if it is not encoded as it should be. */
const withoutMailto = (text: string): string | null => {
  if (!MAILTO.test(text)) return text;
  try {
    return decodeURIComponent(text.replace(MAILTO, "").split("?", 1)[0] ?? "").trim();
  } catch {
    return null;
  }
};

/**
 * Normalises and classifies: trims, decodes and strips `mailto:`, strips `DOMAIN\`, composes letters, folds case.
 * @param given as it was sent, already decoded from the URL
 * @returns the identifier, or `invalid_account`: it is empty, too long, `me` (which Okta answers with the token's
 *   owner) or a dot path, or it holds a percent-encoded slash, dot or backslash, or an invisible character
 */
export const parseIdentifier = (given: string): Result<Identifier, IdentifierRefusal> => {
  const trimmed = given.trim();
  if (trimmed.length > MAX_LENGTH) {
    return refuse(
      `The account is ${trimmed.length} characters long, and ${MAX_LENGTH} is the maximum; ${EXAMPLES}.`,
    );
  }
  const plain = withoutMailto(trimmed);
  if (plain === null) return refuse(`The account is a mailto: link that cannot be decoded; ${EXAMPLES}.`);
  const text = composed(plain);
  const bare = text.replace(WINDOWS_DOMAIN, "").trim();
  if (bare === "") return refuse(`The account is empty; ${EXAMPLES}.`);
  const invisible = INVISIBLE.exec(text);
  if (invisible !== null) {
    return refuse(
      `The account holds a control or invisible character (${codePoint(invisible[0])}); ${EXAMPLES}.`,
    );
  }
  if (/^\.+$/.test(bare)) return refuse(`The account is a path, not a name; ${EXAMPLES}.`);
  const encoded = ENCODED.exec(bare);
  if (encoded !== null)
    return refuse(`The account holds ${encoded[0]}, which is encoded once too often; ${EXAMPLES}.`);
  if (OKTA_ID.test(bare)) return ok(identify("id", bare));
  const name = nameIdentifier(bare);
  if (name.value === "me") return refuse(`The account "me" would be the connector's own; ${EXAMPLES}.`);
  const spelt = asSpelt(name, bare);
  return ok(bare === text ? spelt : { ...spelt, whole: nameIdentifier(text) });
};

/** A text literal in Okta's `search` language. */
const literal = (text: string): string => `"${text.replace(/[\\"]/g, "\\$&")}"`;

/** Everyone whose profile e-mail this is. */
export const searchByEmail = (email: string): string => `profile.email eq ${literal(email)}`;

/** Everyone whose login is this name with some domain. */
export const searchByShortName = (name: string): string => `profile.login sw ${literal(`${name}@`)}`;

/** Everyone whose login is this name and nothing else. */
export const searchByLogin = (name: string): string => `profile.login eq ${literal(name)}`;

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
  const value = normalized(identifier.value);
  const login = names.login === null ? null : normalized(names.login);
  if (names.id === identifier.given) return true;
  if (login === null) return false;
  return login === value || (identifier.kind !== "email" && login.startsWith(`${value}@`));
};

/** Whether this is the account's profile e-mail, in any case. */
export const hasEmail = (email: string, names: AccountNames): boolean =>
  names.email !== null && normalized(names.email) === normalized(email);

/** Whether the identifier may mean the account: by id, login, short name or e-mail. */
export const answersTo = (identifier: Identifier, names: AccountNames): boolean =>
  isNamed(identifier, names) || (identifier.kind === "email" && hasEmail(identifier.value, names));
