/**
 * Which hosts and origins a request of an agent may name. A page of another site can make a browser send requests to a
 * Worker on the same machine by a name that leads there (DNS rebinding), so names are checked although keys are, too. Pure.
 */

const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Why a request is refused. */
export type Stranger = "host" | "origin";

interface Named {
  /** `Host`, or the host of the URL if there is none: with its port. */
  readonly host: string;
  readonly origin: string | null;
}

/** The URL of a host as it is named; null if it is none. */
const urlOf = (host: string): URL | null => {
  const url = URL.parse(`http://${host}`);
  return url !== null && url.pathname === "/" && url.username === "" && !/[/?#@]/.test(host) ? url : null;
};

/**
 * Whether a request is a stranger's; null if it is not.
 * @param publicUrl the Worker's own origin; null if it is not set, and then any host but the machine's own is taken
 * @param allowLoopback whether the Worker is on a developer's machine: names of it are taken, and no others but `publicUrl`'s
 */
export const strangerIn = (
  { host, origin }: Named,
  { publicUrl, allowLoopback }: { readonly publicUrl: string | null; readonly allowLoopback: boolean },
): Stranger | null => {
  const url = urlOf(host);
  if (url === null) return "host";
  const isLoopback = LOOPBACK.test(url.hostname);
  const isOurs = publicUrl === null ? !allowLoopback : URL.parse(publicUrl)?.hostname === url.hostname;
  if (isLoopback ? !allowLoopback : !isOurs) return "host";
  if (origin === null) return null;
  return URL.parse(origin)?.host === url.host ? null : "origin";
};
