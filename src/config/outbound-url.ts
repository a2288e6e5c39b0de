/**
 * Where the Worker may send requests that a setting asked for. One rule for base URLs and sink URLs: https to
 * a public host. Names are judged as written: a public name that resolves to a private address is not
 * recognised here, and Cloudflare's network does not route to private addresses.
 */
import { err, ok, type Result } from "../lib/result.ts";

export interface OutboundUrlOptions {
  /** Setting ALLOW_LOOPBACK: `http://127.0.0.1`, `http://localhost` and `http://[::1]` are fine, on any port. */
  readonly allowLoopback: boolean;
}

const maxUrlLength = 2048;
const example = "a right value looks like https://siem.example.com/path";

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
const hostProblem = (hostname: string): string | null => {
  const host = hostname.replace(/\.$/, "");
  if (host.startsWith("[")) {
    return isClosedIpv6(host.slice(1, -1)) ? "the address is private, link-local or reserved" : null;
  }
  if (isIpv4(host)) return isClosedIpv4(host) ? "the address is private, link-local or reserved" : null;
  if (privateSuffixes.some((suffix) => host === suffix || host.endsWith(`.${suffix}`))) {
    return "the host is local to a machine or a private network";
  }
  return host.includes(".") ? null : "the host is not a full domain name";
};

/**
 * Judges a URL that a setting or a request names before anything is sent there.
 *
 * Every spelling of an address (decimal, octal, hexadecimal, IPv4 inside IPv6) is judged in the form that the
 * URL standard normalises it to. Ports: 443, or 1024 and above, as HTTPS services use them.
 *
 * @returns the parsed URL, or what is wrong and what a right value looks like. The text never repeats the
 *   value, which may hold a secret in its query or user part.
 */
export const checkOutboundUrl = (url: string, options: OutboundUrlOptions): Result<URL, string> => {
  const text = url.trim();
  if (text === "") return err(`it is empty; ${example}`);
  if (text.length > maxUrlLength) return err(`it is longer than ${maxUrlLength} characters; ${example}`);
  if (!URL.canParse(text)) return err(`it is not a URL; ${example}`);
  const parsed = new URL(text);
  if (parsed.protocol !== "https:" && parsed.protocol !== "http:") {
    return err(`it must start with https://; ${example}`);
  }
  if (parsed.username !== "" || parsed.password !== "") {
    return err(`it must not hold a user name or password (name a secret instead); ${example}`);
  }
  if (isLoopbackHost(parsed.hostname)) {
    if (options.allowLoopback) return ok(parsed);
    return err(`it leads to this machine, which only ALLOW_LOOPBACK=true permits; ${example}`);
  }
  if (parsed.protocol !== "https:") return err(`it must start with https://; ${example}`);
  const problem = hostProblem(parsed.hostname);
  if (problem !== null) return err(`${problem}; ${example}`);
  if (parsed.port !== "" && Number(parsed.port) < 1024) {
    return err(`its port must be 443, or 1024 and above; ${example}`);
  }
  return ok(parsed);
};
