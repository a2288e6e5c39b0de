/** A client of a simulated org's control routes, which dev/okta-org/README.md describes. */

/** Asks `/_org` and gives the JSON of the answer; throws unless it was a success. */
export type Control = <T = Readonly<Record<string, unknown>>>(
  method: string,
  path: string,
  body?: unknown,
) => Promise<T>;

/** @param send reaches the org; without it, requests go where `fetch` leads */
export const controlOf =
  (origin: string, send: (request: Request) => Promise<Response> = (request) => fetch(request)): Control =>
  async (method, path, body) => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await send(new Request(`${origin}/_org${path}`, init));
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
