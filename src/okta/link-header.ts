/**
 * Reads Link headers as RFC 8288 describes, with the leniency of its appendix B. Whatever stands beside the links is
 * skipped, but never taken for the absence of a link. Pure.
 */
import { err, ok, type Result } from "../lib/result.ts";

/** A parameter of a link: its lower-case name, and its value without quotes. */
type Parameter = readonly [name: string, value: string];

/** What is left to read. */
interface Reader {
  readonly text: string;
  at: number;
  /** Whether all that was read so far could be read. */
  isWhole: boolean;
}

/** Optional white space and, inside a header that was folded, line ends. */
const skip = (reader: Reader, pattern: RegExp): string => {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0] ?? "";
  reader.at += found.length;
  return found;
};

const SPACE = /[ \t\r\n]*/y;
const SPACE_AND_COMMAS = /[ \t\r\n,]*/y;
const NAME = /[^ \t\r\n=;,"<>]*/y;
const TOKEN = /[^;,\s]*/y;
/** A quoted string; at the end of the header the last quote may be missing. */
const QUOTED = /"(?:[^"\\]|\\.)*(?:"|$)/sy;
const GARBAGE = /[^<]*/y;

const unquote = (text: string): string => text.replace(/^"|"$/g, "").replace(/\\(.)/gs, "$1");

/** The parameters that follow a link's target. */
const parametersIn = (reader: Reader): Parameter[] => {
  const parameters: Parameter[] = [];
  for (;;) {
    skip(reader, SPACE);
    if (reader.text[reader.at] !== ";") return parameters;
    reader.at += 1;
    skip(reader, SPACE);
    const name = skip(reader, NAME).toLowerCase();
    skip(reader, SPACE);
    if (reader.text[reader.at] !== "=") {
      if (name !== "") parameters.push([name, ""]);
      continue;
    }
    reader.at += 1;
    skip(reader, SPACE);
    if (reader.text[reader.at] !== '"') {
      parameters.push([name, skip(reader, TOKEN)]);
      continue;
    }
    const quoted = skip(reader, QUOTED);
    if (!/^".*"$/s.test(quoted)) reader.isWhole = false;
    parameters.push([name, unquote(quoted)]);
  }
};

/** Whether the relation types name the next page. Some servers write single quotes, which the RFC has no use for. */
const namesNext = (types: string): boolean =>
  types
    .replace(/^'(.*)'$/, "$1")
    .toLowerCase()
    .split(/\s+/)
    .includes("next");

/**
 * The targets of `rel="next"` in a Link header, as the server wrote them and each once; none means that this is the last
 * page. Error: no such link can be read, but part of the header cannot be read either, so there may be one.
 * @param header the header's value; null if there is none
 */
export const nextLinks = (header: string | null): Result<readonly string[], "unreadable"> => {
  const reader: Reader = { text: header ?? "", at: 0, isWhole: true };
  const targets = new Set<string>();
  for (;;) {
    skip(reader, SPACE_AND_COMMAS);
    if (reader.at >= reader.text.length) break;
    const end = reader.text[reader.at] === "<" ? reader.text.indexOf(">", reader.at) : -1;
    if (end === -1) {
      reader.isWhole = false;
      reader.at += 1;
      skip(reader, GARBAGE);
      continue;
    }
    const target = reader.text.slice(reader.at + 1, end).trim();
    reader.at = end + 1;
    const types = parametersIn(reader).find(([name]) => name === "rel")?.[1];
    // Without its type a link may be any, the one to the next page too.
    if (types === undefined || types.trim() === "" || target === "") reader.isWhole = false;
    else if (namesNext(types)) targets.add(target);
    if (!/^(?:,|$)/.test(reader.text.slice(reader.at, reader.at + 1))) reader.isWhole = false;
  }
  return targets.size === 0 && !reader.isWhole ? err("unreadable") : ok([...targets]);
};
