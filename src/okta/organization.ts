/** What an org says of itself to anybody, without a credential. Pure. */
import { isPlainObject } from "../lib/json.ts";
import { holdsSecret } from "../lib/redact.ts";

/** Who an org says it is; null where it does not say. */
export interface Organization {
  readonly id: string | null;
  /** `idx` is Identity Engine, `v1` Classic Engine. */
  readonly pipeline: string | null;
  /** The origins at which it says that it answers: its own domain, its okta.com address; absent if it names none. */
  readonly origins?: readonly string[];
}

/** A short text that is part of no sentence: an id, a word. */
const textIn = (value: unknown): string | null =>
  typeof value === "string" && value !== "" && !holdsSecret(value) ? value.slice(0, 100) : null;

/** The origin that a link of the document names; null if it names none. */
const originIn = (link: unknown): string | null => {
  const href = isPlainObject(link) ? link["href"] : null;
  if (typeof href !== "string" || !URL.canParse(href)) return null;
  const { origin, protocol } = new URL(href);
  const isWeb = protocol === "https:" || protocol === "http:";
  return isWeb && !holdsSecret(origin) ? origin.slice(0, 200) : null;
};

/** Reads `/.well-known/okta-organization`. */
export const organizationIn = (body: unknown): Organization => {
  const document = isPlainObject(body) ? body : {};
  const links = isPlainObject(document["_links"]) ? document["_links"] : {};
  const named = [originIn(links["organization"]), originIn(links["alternate"])];
  const origins = [...new Set(named.filter((origin) => origin !== null))];
  return {
    id: textIn(document["id"]),
    pipeline: textIn(document["pipeline"]),
    ...(origins.length > 0 && { origins }),
  };
};
