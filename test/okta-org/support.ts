import { createOktaOrg, type OktaOrg, type OrgOptionsInput } from "../../dev/okta-org/index.ts";
import { nextPage } from "../support/pages.ts";

export const HOST = "https://acme.okta.com";

/** A call to an org and what came back. */
export interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** An org with a client that carries its token. */
export interface TestOrg {
  org: OktaOrg;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** A control route: a method, a path below `/_org`, a body. */
  control(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Every record of a paged list, and the pages it took. */
  all(path: string): Promise<{ items: Record<string, unknown>[]; pages: number }>;
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** A list out of an answer; throws when it is none. */
export const listOf = (answer: Answer): Record<string, unknown>[] => {
  if (!Array.isArray(answer.body)) throw new TypeError(`no list but ${JSON.stringify(answer.body)}`);
  return answer.body;
};

/** A field of an answer's object. */
export const field = (answer: Answer, name: string): unknown => {
  if (answer.body === null || typeof answer.body !== "object") return undefined;
  return Reflect.get(answer.body, name);
};

/** Makes an org and a client of it; rate limits are off unless asked for. */
export const testOrg = (options: OrgOptionsInput = {}): TestOrg => {
  const org = createOktaOrg({ users: 60, groups: 20, devices: 30, limits: "none", ...options });
  const send = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await org.fetch(new Request(new URL(path, HOST), init));
    return { status: response.status, headers: response.headers, body: parse(await response.text()) };
  };
  const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
    send(path, { headers: { authorization: "SSWS sim-token", ...headers } });
  return {
    org,
    get,
    control: (method, path, body) =>
      send(`/_org${path}`, body === undefined ? { method } : { method, body: JSON.stringify(body) }),
    all: async (path) => {
      const items: Record<string, unknown>[] = [];
      let pages = 0;
      for (let url: string | null = path; url !== null; pages++) {
        const answer: Answer = await get(url);
        items.push(...listOf(answer));
        url = nextPage(answer);
      }
      return { items, pages };
    },
  };
};
