import type { JsonValue } from "../org/types.ts";

/**
 * The subset of Okta's SCIM expressions that `search` and `filter` share: eq gt ge lt le sw co pr, and, or,
 * parentheses. Okta's search has no `ne` and no `not`; both are errors here too.
 */
export type Predicate = (record: object) => boolean;

export class SearchError extends Error {}

export interface SearchOptions {
  /** Whether an attribute can be searched at all. */
  attribute: (name: string) => boolean;
  /** Operators that an attribute takes; all when absent. */
  operators?: (name: string) => readonly string[];
}

type Token = { kind: "(" | ")" } | { kind: "word"; text: string } | { kind: "string"; text: string };

const COMPARISONS = ["eq", "gt", "ge", "lt", "le", "sw", "co"];
const DATES = new Set([
  "created",
  "activated",
  "statusChanged",
  "lastLogin",
  "lastUpdated",
  "passwordChanged",
  "lastMembershipUpdated",
]);

const tokenize = (text: string): Token[] => {
  const tokens: Token[] = [];
  let i = 0;
  while (i < text.length) {
    const c = text[i] ?? "";
    if (c === " " || c === "\t") {
      i++;
    } else if (c === "(" || c === ")") {
      tokens.push({ kind: c });
      i++;
    } else if (c === '"') {
      let value = "";
      i++;
      while (i < text.length && text[i] !== '"') {
        if (text[i] === "\\") i++;
        value += text[i] ?? "";
        i++;
      }
      if (text[i] !== '"') throw new SearchError("unterminated string");
      tokens.push({ kind: "string", text: value });
      i++;
    } else {
      const word = /^[^\s()"]+/.exec(text.slice(i))?.[0] ?? c;
      tokens.push({ kind: "word", text: word });
      i += word.length;
    }
  }
  return tokens;
};

const stepInto = (value: unknown, step: string | undefined): unknown =>
  step === undefined || value === null || typeof value !== "object" ? undefined : Reflect.get(value, step);

/** Whether a value at a dotted path matches; a list on the way means any of its elements. */
const anyAt = (
  record: unknown,
  path: readonly string[],
  matches: (value: unknown) => boolean,
  depth = 0,
): boolean => {
  // No intermediate lists: a search may look at every user of a large org.
  if (Array.isArray(record)) return record.some((element: unknown) => anyAt(element, path, matches, depth));
  if (depth === path.length) return record !== null && record !== undefined && matches(record);
  return anyAt(stepInto(record, path[depth]), path, matches, depth + 1);
};

const compare = (operator: string, actual: string | number, wanted: string | number): boolean => {
  if (operator === "eq") return actual === wanted;
  if (operator === "gt") return actual > wanted;
  if (operator === "ge") return actual >= wanted;
  if (operator === "lt") return actual < wanted;
  if (operator === "le") return actual <= wanted;
  if (operator === "sw") return String(actual).startsWith(String(wanted));
  return String(actual).includes(String(wanted));
};

const comparison = (attribute: string, operator: string, wanted: JsonValue): Predicate => {
  const path = attribute.split(".");
  if (DATES.has(attribute)) {
    const at = Date.parse(String(wanted));
    if (Number.isNaN(at)) throw new SearchError(`${attribute} needs a date`);
    // The org's timestamps are all of one form, so they compare as texts.
    const instant = new Date(at).toISOString();
    return (record) => {
      const value: unknown = Reflect.get(record, attribute);
      return typeof value === "string" && compare(operator, value, instant);
    };
  }
  const text = typeof wanted === "string" ? wanted.toLowerCase() : wanted;
  const matches = (value: unknown): boolean => {
    if (typeof value === "boolean" || typeof text === "boolean") return operator === "eq" && value === text;
    if (typeof value === "string" && typeof text === "string")
      return compare(operator, value.toLowerCase(), text);
    return typeof value === "number" && typeof text === "number" && compare(operator, value, text);
  };
  return (record) => anyAt(record, path, matches);
};

class Parser {
  readonly #tokens: Token[];
  readonly #options: SearchOptions;
  #at = 0;

  constructor(tokens: Token[], options: SearchOptions) {
    this.#tokens = tokens;
    this.#options = options;
  }

  parse(): Predicate {
    const predicate = this.#or();
    if (this.#at < this.#tokens.length) throw new SearchError("unexpected text after the expression");
    return predicate;
  }

  #or(): Predicate {
    let left = this.#and();
    while (this.#keyword("or")) {
      const [a, b] = [left, this.#and()];
      left = (record) => a(record) || b(record);
    }
    return left;
  }

  #and(): Predicate {
    let left = this.#primary();
    while (this.#keyword("and")) {
      const [a, b] = [left, this.#primary()];
      left = (record) => a(record) && b(record);
    }
    return left;
  }

  #primary(): Predicate {
    const token = this.#tokens[this.#at++];
    if (token?.kind === "(") {
      const inner = this.#or();
      if (this.#tokens[this.#at++]?.kind !== ")") throw new SearchError("missing parenthesis");
      return inner;
    }
    if (token?.kind !== "word") throw new SearchError("an attribute is missing");
    if (!this.#options.attribute(token.text)) throw new SearchError(`${token.text} cannot be searched`);
    return this.#comparison(token.text);
  }

  #comparison(attribute: string): Predicate {
    const token = this.#tokens[this.#at++];
    const operator = token?.kind === "word" ? token.text.toLowerCase() : "";
    const allowed = this.#options.operators?.(attribute) ?? [...COMPARISONS, "pr"];
    if (!allowed.includes(operator))
      throw new SearchError(`${attribute} does not take ${operator || "nothing"}`);
    if (operator === "pr") {
      const path = attribute.split(".");
      return (record) => anyAt(record, path, (value) => value !== "");
    }
    const value = this.#tokens[this.#at++];
    if (value?.kind === "string") return comparison(attribute, operator, value.text);
    if (value?.kind !== "word") throw new SearchError("a value is missing");
    if (value.text === "true" || value.text === "false")
      return comparison(attribute, operator, value.text === "true");
    if (/^-?\d+(\.\d+)?$/.test(value.text)) return comparison(attribute, operator, Number(value.text));
    throw new SearchError("a value must be quoted");
  }

  #keyword(word: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== "word" || token.text.toLowerCase() !== word) return false;
    this.#at++;
    return true;
  }
}

/**
 * Compiles an expression into a predicate. Texts compare without case, as Okta's do.
 *
 * @throws {SearchError} when Okta would answer 400
 * @example compileSearch('status eq "ACTIVE" and profile.login sw "mary@"', options)(user)
 */
export const compileSearch = (expression: string, options: SearchOptions): Predicate =>
  new Parser(tokenize(expression), options).parse();
