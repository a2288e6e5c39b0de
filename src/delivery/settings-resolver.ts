/** From what a sink's settings name to what it is: secrets, URLs, bindings. */

import { checkOutboundUrl, urlProblemText } from "../config/outbound-url.ts";
import type { SinkProblem } from "./settings-types.ts";

/** Where a sink's settings are looked up. */
export interface SinkContext {
  /** A secret's value by its name; undefined or empty when it is not set. */
  secret(name: string): string | undefined;
  /** Whether the Worker has a binding of this name. */
  binding(name: string): boolean;
  readonly allowLoopback: boolean;
  /** The ids of the connections that the settings name; absent if those cannot be read. */
  readonly connections?: readonly string[];
}

/** What a secret is for: a header carries printable ASCII only. */
type SecretUse = "header" | "key";

const refusedUrl = "https://refused.invalid";

/** Somebody may have put the secret itself where its name belongs, so only what looks like a name is repeated. */
const shownName = (name: string): string =>
  /^[A-Z][A-Z0-9_]{0,63}$/.test(name) ? `the secret ${name}` : "the secret that it names";

/**
 * Looks up what one sink's settings name, and collects all that is wrong with them, not only the first problem. What
 * cannot be resolved is a placeholder: with any problem the settings are not used.
 */
export class Resolver {
  readonly problems: SinkProblem[] = [];
  readonly #path: string;
  readonly #context: SinkContext;

  /** @param path of the sink: `SINKS[1]` */
  constructor(path: string, context: SinkContext) {
    this.#path = path;
    this.#context = context;
  }

  /** A key is wrong. @param message a clause, see SinkProblem */
  refuse(key: string, message: string): void {
    this.problems.push({ path: `${this.#path}.${key}`, message });
  }

  /** The value of the secret that a key names, trimmed. */
  secret(key: string, name: string, use: SecretUse = "header"): string {
    const value = this.#context.secret(name)?.trim() ?? "";
    if (value !== "" && (use === "key" || !/[^\x20-\x7e]/.test(value))) return value;
    const shown = shownName(name);
    this.refuse(
      key,
      value === ""
        ? `${shown} is not set; set it with "npx wrangler secret put NAME" (or in .dev.vars) and give its name here, not its value`
        : `${shown} holds characters that no header can carry; set it again without line breaks`,
    );
    return "";
  }

  /** The same of a key that may be left out: null then. */
  optionalSecret(key: string, name: string | undefined, use: SecretUse = "header"): string | null {
    return name === undefined ? null : this.secret(key, name, use);
  }

  /** A URL that requests may be sent to. @param whose what to say before what is wrong with it */
  url(key: string, text: string, whose = ""): URL {
    const checked = checkOutboundUrl(text, { allowLoopback: this.#context.allowLoopback });
    if (checked.ok) return checked.value;
    this.refuse(key, `${whose}${urlProblemText(checked.error, "https://siem.example.com/path")}`);
    return new URL(refusedUrl);
  }

  /** The URL that a secret holds. */
  secretUrl(key: string, name: string): URL {
    const text = this.secret(key, name, "key");
    return text === ""
      ? new URL(refusedUrl)
      : this.url(key, text, `${shownName(name)} holds no URL to send to: `);
  }

  /**
   * The origin and path that a product's own paths are appended to, without a trailing slash.
   * @param endpoint such a path, which people often paste along: it is left out
   */
  baseUrl(key: string, text: string, endpoint?: RegExp): string {
    const { origin, pathname, search, hash } = this.url(key, text);
    if (search !== "" || hash !== "") {
      this.refuse(
        key,
        "it must not have a query or fragment; a valid value looks like https://siem.example.com:8088",
      );
    }
    const path = pathname.replace(/\/+$/, "");
    return `${origin}${endpoint === undefined ? path : path.replace(endpoint, "")}`;
  }

  /** Ids of connections that there are. */
  connections(key: string, ids: readonly string[]): readonly string[] {
    const { connections: known } = this.#context;
    const unknown = known === undefined ? [] : ids.filter((id) => !known.includes(id));
    if (known !== undefined && unknown.length > 0) {
      const names = unknown.map((id) => JSON.stringify(id.slice(0, 64))).join(", ");
      this.refuse(key, `the settings have no connection ${names}; they have ${known.join(", ")}`);
    }
    return ids;
  }

  /** The name of a binding that the Worker has. @param remedy how to get one, for the problem of an absent one */
  binding(key: string, name: string, remedy: string): string {
    if (!this.#context.binding(name)) this.refuse(key, `the Worker has no binding ${name}; ${remedy}`);
    return name;
  }
}
