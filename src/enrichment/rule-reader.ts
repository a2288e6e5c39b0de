/**
 * Reads malice rules. Pure.
 *
 * There are two dialects, each also inside `{"malice_rules": …}`, and both give the same `MaliceRules`:
 *
 *     {"conditions": [{"field": "status", "operator": "eq", "value": "SUSPENDED", "verdict": "Suspicious"}]}
 *     {"rules": [{"field": "last_login", "operator": "older_than", "value": "90d", "verdict": "Suspicious"}],
 *      "default_verdict": "Benign", "not_found_verdict": "Pending", "unknown_verdict": "Suspicious"}
 *
 * Instead of field, operator and value a rule may hold one of `all`, `any` (lists) or `not` (one condition), nested
 * as needed; the verdict stays on the outermost. An unknown key, field, operator or verdict is refused with its
 * position, and so is what cannot apply to the field (`rule-types.ts`), so that a typo never becomes a rule that silently
 * does nothing.
 */
import { isPlainObject, parseJson } from "../lib/json.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { judge } from "./rule-types.ts";
import {
  type Condition,
  type MaliceRule,
  type MaliceRules,
  type Operator,
  operators,
  ruleFields,
  type Verdict,
  verdicts,
} from "./rules.ts";

const symbols: Readonly<Record<string, Operator>> = {
  "==": "eq",
  "!=": "ne",
  ">": "gt",
  ">=": "gte",
  "<": "lt",
  "<=": "lte",
};

export interface RuleProblem {
  /** The position: `conditions[0].operator`, or `(root)`. */
  readonly path: string;
  /** What is wrong and what a valid value looks like: a phrase in lower case, without a full stop. */
  readonly message: string;
}

/** Bounds on what is accepted, because rules are evaluated on every answer. */
const MAX_CONDITIONS = 1_000;
const MAX_DEPTH = 16;

type Json = Readonly<Record<string, unknown>>;

const isOneOf = <T extends string>(names: readonly T[], value: unknown): value is T =>
  (names as readonly unknown[]).includes(value);

/** What was given, short enough for a message. */
const quote = (value: unknown): string => {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
};

const child = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

/** Collects problems while it reads, so that all of them are reported at once. */
class Reader {
  readonly problems: RuleProblem[] = [];
  #conditions = 0;

  refuse(path: string, message: string): null {
    this.problems.push({ path: path === "" ? "(root)" : path, message });
    return null;
  }

  /** Refuses keys that mean nothing here. */
  onlyKeys(value: Json, allowed: readonly string[], path: string): void {
    for (const key of Object.keys(value)) {
      if (!allowed.includes(key)) {
        this.refuse(child(path, key), `${quote(key)} is not a known key; use one of ${allowed.join(", ")}`);
      }
    }
  }

  verdict(value: unknown, path: string): Verdict | null {
    if (isOneOf(verdicts, value)) return value;
    return this.refuse(path, `${quote(value)} is not a verdict; use one of ${verdicts.join(", ")}`);
  }

  optionalVerdict(value: unknown, path: string): Verdict | null {
    return value === undefined || value === null ? null : this.verdict(value, path);
  }

  /** One condition without its verdict. `extra` are the keys that are allowed beside it. */
  condition(value: unknown, path: string, extra: readonly string[], depth: number): Condition | null {
    if (!isPlainObject(value)) {
      return this.refuse(
        path,
        'a condition is an object, for example {"field": "status", "operator": "eq", "value": "SUSPENDED"}',
      );
    }
    if (depth > MAX_DEPTH) return this.refuse(path, `conditions are nested more than ${MAX_DEPTH} deep`);
    this.#conditions += 1;
    if (this.#conditions > MAX_CONDITIONS) {
      return this.#conditions === MAX_CONDITIONS + 1
        ? this.refuse(path, `there are more than ${MAX_CONDITIONS} conditions`)
        : null;
    }
    const combinators = (["all", "any", "not"] as const).filter((key) => Object.hasOwn(value, key));
    const [combinator] = combinators;
    if (combinator === undefined) return this.#test(value, path, extra);
    if (combinators.length > 1 || Object.hasOwn(value, "field") || Object.hasOwn(value, "operator")) {
      return this.refuse(
        path,
        "a condition is either one of all, any, not, or field with operator and value",
      );
    }
    this.onlyKeys(value, [combinator, ...extra], path);
    const at = child(path, combinator);
    const inner = value[combinator];
    if (combinator === "not") {
      const of = this.condition(inner, at, [], depth + 1);
      return of === null ? null : { kind: "not", of };
    }
    if (!Array.isArray(inner) || inner.length === 0) {
      return this.refuse(at, `${combinator} takes a list of at least one condition`);
    }
    const of = inner.map((each, index) => this.condition(each, `${at}[${index}]`, [], depth + 1));
    const good = of.filter((each) => each !== null);
    return good.length === of.length ? { kind: combinator, of: good } : null;
  }

  #test(value: Json, path: string, extra: readonly string[]): Condition | null {
    this.onlyKeys(value, ["field", "operator", "value", "all", "any", "not", ...extra], path);
    const { field, operator: spelt } = value;
    if (!isOneOf(ruleFields, field)) {
      this.refuse(
        child(path, "field"),
        `${quote(field)} is not a field; use one of ${ruleFields.join(", ")}`,
      );
    }
    const operator = typeof spelt === "string" && Object.hasOwn(symbols, spelt) ? symbols[spelt] : spelt;
    if (!isOneOf(operators, operator)) {
      return this.refuse(
        child(path, "operator"),
        `${quote(spelt)} is not an operator; use one of ${[...operators, ...Object.keys(symbols)].join(", ")}`,
      );
    }
    if (!isOneOf(ruleFields, field)) return null;
    const given = value["value"];
    const judged = judge(field, operator, given);
    if (judged.ok) return { kind: "test", field, operator, value: judged.value };
    const { at, message } = judged.error;
    return this.refuse(
      child(path, at),
      at === "value" ? `${quote(given)} does not fit ${operator}: ${message}` : message,
    );
  }

  rule(value: unknown, path: string): MaliceRule | null {
    const condition = this.condition(value, path, ["verdict"], 1);
    if (!isPlainObject(value)) return null;
    const verdict = this.verdict(value["verdict"], child(path, "verdict"));
    return condition === null || verdict === null ? null : { path, condition, verdict };
  }

  rules(value: unknown, path: string): MaliceRules | null {
    if (!isPlainObject(value)) {
      return this.refuse(path, 'malice rules are an object with "conditions" or "rules"');
    }
    if (path === "" && Object.hasOwn(value, "malice_rules")) {
      this.onlyKeys(value, ["malice_rules"], path);
      return this.rules(value["malice_rules"], "malice_rules");
    }
    this.onlyKeys(
      value,
      ["conditions", "rules", "default_verdict", "not_found_verdict", "unknown_verdict"],
      path,
    );
    const lists = (["conditions", "rules"] as const).filter((key) => Object.hasOwn(value, key));
    const [list] = lists;
    if (list === undefined || lists.length > 1) {
      return this.refuse(path, 'give one list, either "conditions" or "rules"');
    }
    const items = value[list];
    const at = child(path, list);
    if (!Array.isArray(items)) return this.refuse(at, "it is a list of rules");
    const rules = items
      .map((item, index) => this.rule(item, `${at}[${index}]`))
      .filter((rule) => rule !== null);
    return {
      rules,
      defaultVerdict: this.optionalVerdict(value["default_verdict"], child(path, "default_verdict")),
      notFoundVerdict: this.optionalVerdict(value["not_found_verdict"], child(path, "not_found_verdict")),
      unknownVerdict: this.optionalVerdict(value["unknown_verdict"], child(path, "unknown_verdict")),
    };
  }
}

/**
 * Reads malice rules in either dialect.
 * @param value an object, or its JSON text
 * @returns the rules, or every problem with its position
 * @example parseMaliceRules('{"conditions":[{"field":"status","operator":"eq","value":"SUSPENDED","verdict":"Suspicious"}]}')
 */
export const parseMaliceRules = (value: unknown): Result<MaliceRules, readonly RuleProblem[]> => {
  const json = typeof value === "string" ? parseJson(value) : value;
  if (typeof value === "string" && json === undefined) {
    return err([{ path: "(root)", message: 'this is not JSON; malice rules look like {"conditions": […]}' }]);
  }
  const reader = new Reader();
  const rules = reader.rules(json, "");
  return rules === null || reader.problems.length > 0 ? err(reader.problems) : ok(rules);
};
