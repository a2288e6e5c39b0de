/**
 * Where the Worker may send requests that a setting asks for. One rule for base URLs and sink URLs: https to a
 * public host. Names are judged as written: a public name that resolves to a private address is not recognised
 * here, but Cloudflare's network does not route to private addresses.
 */
import { err, ok, type Result } from "../lib/result.ts";
import { phrase, validLooksLike } from "./problem.ts";

export interface OutboundUrlOptions {
  /** Setting ALLOW_LOOPBACK: `http://127.0.0.1`, `http://localhost` and `http://[::1]` are allowed, on any port. */
  readonly allowLoopback: boolean;
}

const maxUrlLength = 2048;

const wordsOfProblems = {
  empty: "it is empty",
  too_long: `it is longer than ${maxUrlLength} characters`,
  not_a_url: "it is not a URL",
  not_https: "it must start with https://",
  has_user: "it must not hold a user name or password",
  loopback: "it leads to this machine, which only ALLOW_LOOPBACK=true permits",
  closed_address: "the address is private, link-local or reserved",
  private_name: "the host is local to a machine or a private network",
  short_name: "the host is not a full domain name",
  closed_port: "its port must be 443, or 1024 and above",
} as const;

/** Why nothing may be sent to a URL. */
export interface UrlProblem {
  readonly code: keyof typeof wordsOfProblems;
}

/** What is wrong with a URL, in one clause. */
export const urlProblemClause = ({ code }: UrlProblem): string => wordsOfProblems[code];

/**
 * What is wrong with a URL and what a valid one looks like, in one phrase. It never repeats the URL, which may hold
 * a secret in its query or user part.
 */
export const urlProblemText = (problem: UrlProblem, example: string): string => {
  const remedy = problem.code === "has_user" ? ["name a secret instead"] : [];
  return phrase([urlProblemClause(problem), ...remedy, validLooksLike(example)]);
};

const loopbackHosts: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** Whether a host, as WHATWG URL normalises it, is one that ALLOW_LOOPBACK is about. */
export const isLoopbackHost = (hostname: string): boolean => loopbackHosts.has(hostname);

/** Names that only exist inside a private network (RFC 6761, RFC 6762, RFC 8375, ICANN's .internal). */
const privateSuffixes = ["localhost", "local", "localdomain", "internal", "intranet", "lan", "home.arpa"];

/** IPv4 blocks that are not globally reachable: [first address, prefix length] (IANA special-purpose registry). */
const closedIpv4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

const ipv4Number = (dotted: string): number =>
  dotted.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

const isClosedIpv4 = (dotted: string): boolean => {
  const address = ipv4Number(dotted);
  return closedIpv4.some(([first, prefix]) => {
    const size = 2 ** (32 - prefix);
    return Math.floor(address / size) === Math.floor(ipv4Number(first) / size);
  });
};

/** The eight 16-bit groups of an address as WHATWG URL serialises it: compressed, hexadecimal, no dots. */
const ipv6Groups = (compressed: string): number[] => {
  const [head = "", tail] = compressed.split("::");
  const groups = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const before = groups(head);
  if (tail === undefined) return before;
  const after = groups(tail);
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
};

/**
 * Only global unicast (2000::/3) is open. Within it 2001::/23 (protocol assignments, Teredo), 2002::/16
 * (6to4, which carries an IPv4 address), and the documentation blocks are closed. This closes loopback,
 * unique local, link-local, IPv4-mapped and NAT64 forms.
 */
const isClosedIpv6 = (compressed: string): boolean => {
  const [first = 0, second = 0] = ipv6Groups(compressed);
  if (first >> 13 !== 0b001) return true;
  if (first === 0x2001) return second < 0x200 || second === 0xdb8;
  return first === 0x2002 || (first === 0x3fff && second < 0x1000);
};

const isIpv4 = (host: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(host);

/** What is wrong with a host that WHATWG URL has already normalised; null when it is public. */
const hostProblem = (hostname: string): UrlProblem["code"] | null => {
  const host = hostname.replace(/\.$/, "");
  if (host.startsWith("[")) return isClosedIpv6(host.slice(1, -1)) ? "closed_address" : null;
  if (isIpv4(host)) return isClosedIpv4(host) ? "closed_address" : null;
  if (privateSuffixes.some((suffix) => host === suffix || host.endsWith(`.${suffix}`))) return "private_name";
  return host.includes(".") ? null : "short_name";
};

const refuse = (code: UrlProblem["code"]) => err<UrlProblem>({ code });

/**
 * Judges a URL that a setting or a request names before anything is sent there.
 *
 * Every spelling of an address (decimal, octal, hexadecimal, IPv4 inside IPv6) is judged in the form that the
 * URL standard normalises it to. Ports: 443, or 1024 and above, as HTTPS services use them.
 *
 * @returns the parsed URL, or what is wrong with it
 */
export const checkOutboundUrl = (url: string, options: OutboundUrlOptions): Result<URL, UrlProblem> => {
  const text = url.trim();
  if (text === "") return refuse("empty");
  if (text.length > maxUrlLength) return refuse("too_long");
  if (!URL.canParse(text)) return refuse("not_a_url");
  const parsed = new URL(text);
  if (parsed.protocol !== "https:" && parsed.protocol !== "http:") return refuse("not_https");
  if (parsed.username !== "" || parsed.password !== "") return refuse("has_user");
  if (isLoopbackHost(parsed.hostname)) return options.allowLoopback ? ok(parsed) : refuse("loopback");
  if (parsed.protocol !== "https:") return refuse("not_https");
  const problem = hostProblem(parsed.hostname);
  if (problem !== null) return refuse(problem);
  return parsed.port !== "" && Number(parsed.port) < 1024 ? refuse("closed_port") : ok(parsed);
};
