import { orgOptionsSchema } from "./options.ts";
import { createOktaOrg, type OktaOrg } from "./simulator.ts";

/** Many orgs behind one function, told apart by hostname. */
export interface OktaWorld {
  fetch(request: Request): Promise<Response>;
  org(hostname: string): OktaOrg | undefined;
}

/**
 * Makes an empty world. `POST https://<host>/_org/create` with options makes the org of that host, replacing one
 * that was there. `POST https://<host>/_org/alias` with `{"of": "<other host>"}` makes the host another domain of the
 * other host's org. Requests to any other host are refused with 530 and remembered:
 * `GET https://control.invalid/_world/unexpected` lists them, `DELETE` forgets them.
 */
export const createOktaWorld = (): OktaWorld => {
  const orgs = new Map<string, OktaOrg>();
  let unexpected: string[] = [];
  const control = (request: Request, path: string): Response => {
    if (path === "/_world/unexpected") {
      const list = unexpected;
      if (request.method === "DELETE") unexpected = [];
      return Response.json(list);
    }
    if (path === "/_world/orgs") {
      if (request.method === "DELETE") orgs.clear();
      return Response.json([...orgs.keys()]);
    }
    return new Response("not found", { status: 404 });
  };
  return {
    org: (hostname) => orgs.get(hostname),
    fetch: async (request) => {
      const url = new URL(request.url);
      if (url.hostname === "control.invalid") return control(request, url.pathname);
      if (url.pathname === "/_org/create" && request.method === "POST") {
        const text = await request.text();
        const options = orgOptionsSchema.safeParse(text === "" ? {} : JSON.parse(text));
        if (!options.success) return Response.json({ error: options.error.message }, { status: 400 });
        const org = createOktaOrg(options.data);
        orgs.set(url.hostname, org);
        return Response.json({ org_id: org.state.store.orgId }, { status: 201 });
      }
      if (url.pathname === "/_org/alias" && request.method === "POST") {
        const { of }: { of?: string } = await request.json();
        const other = orgs.get(of ?? "");
        if (other === undefined) return Response.json({ error: `there is no org at ${of}` }, { status: 404 });
        orgs.set(url.hostname, other);
        return Response.json({ org_id: other.state.store.orgId }, { status: 201 });
      }
      const org = orgs.get(url.hostname);
      if (org) return org.fetch(request);
      unexpected.push(`${request.method} ${url.origin}${url.pathname}`);
      return new Response(`unexpected outbound request to ${url.host}`, { status: 530 });
    },
  };
};
