import type { Call, Endpoint } from "./call.ts";
import { concurrencyRefusal, oktaError } from "./errors.ts";
import type { FaultRule } from "./faults.ts";

type PartialCall = Omit<Call, "principal">;

/** The response of a fault that takes the place of the real one, or null if the call goes on. */
export const faultResponse = (fault: FaultRule, call: PartialCall, endpoint: Endpoint): Response | null => {
  const { state, url } = call;
  const errorId = state.requestIds.id("oae");
  switch (fault.kind) {
    case "429":
      return windowRefusal(fault, call, endpoint, errorId);
    case "concurrency-429":
      return concurrencyRefusal(state.clock.now(), errorId);
    case "500":
      return oktaError("E0000009", undefined, errorId);
    case "503":
      return new Response("Service Unavailable", { status: 503, headers: { "content-type": "text/plain" } });
    case "500-above-limit":
      return isTooLarge(fault, url, endpoint) ? oktaError("E0000009", undefined, errorId) : null;
    case "504":
      return gatewayTimeout();
    case "504-above-limit":
      return isTooLarge(fault, url, endpoint) ? gatewayTimeout() : null;
    case "okta-error":
      return Response.json(
        {
          errorCode: fault.code,
          errorSummary: "The answer of a fault",
          errorLink: fault.code,
          errorId,
          errorCauses: [],
        },
        { status: fault.status },
      );
    case "400":
      return oktaError("E0000001", "the cursor has expired", errorId);
    case "401":
      return oktaError("E0000011", undefined, errorId);
    case "403":
      return oktaError("E0000006", undefined, errorId);
    case "403-session":
      return oktaError("E0000005", undefined, errorId);
    case "403-network":
      // How Okta words it is written down nowhere: only that an address or a zone is spoken of is assumed.
      return oktaError("E0000006", "the IP address is not in an allowed network zone", errorId);
    case "403-scope":
      return new Response(null, {
        status: 403,
        headers: { "www-authenticate": `Bearer scope="${endpoint.scope ?? ""}", error="insufficient_scope"` },
      });
    case "404":
      return oktaError("E0000007", "Resource not found", errorId);
    case "html":
      return new Response("<!doctype html><title>Sign in</title><p>Please sign in.</p>", {
        headers: { "content-type": "text/html" },
      });
    case "redirect":
      return new Response(null, {
        status: fault.status,
        headers: { location: `${fault.origin}${url.pathname}${url.search}` },
      });
    case "throw":
      throw new TypeError("fetch failed: connection reset");
    default:
      return null;
  }
};

/** Whether a page of this size does not work under the fault. */
export const isTooLarge = ({ limit }: FaultRule, url: URL, endpoint: Endpoint): boolean =>
  Number(url.searchParams.get("limit") ?? endpoint.defaultLimit ?? 0) > limit;

const gatewayTimeout = (): Response =>
  new Response("<html><body><h1>504 Gateway Time-out</h1></body></html>", {
    status: 504,
    headers: { "content-type": "text/html" },
  });

const windowRefusal = (
  fault: FaultRule,
  call: PartialCall,
  endpoint: Endpoint,
  errorId: string,
): Response => {
  const { limiter, clock } = call.state;
  const now = clock.now();
  const { limit, reset } = limiter.peek(endpoint.bucket, now);
  const at = fault.resetInMs === undefined ? reset : Math.ceil((now + fault.resetInMs) / 1000);
  const response = oktaError("E0000047", undefined, errorId);
  response.headers.set("x-rate-limit-limit", String(limit));
  response.headers.set("x-rate-limit-remaining", "0");
  response.headers.set("x-rate-limit-reset", String(at));
  return response;
};

/** The real response, spoiled as a fault wants it. */
export const altered = async (fault: FaultRule, response: Response, call: PartialCall): Promise<Response> => {
  if (response.status !== 200) return response;
  const withBody = (body: string | ReadableStream): Response => {
    const copy = new Response(body, response);
    copy.headers.delete("content-length");
    return copy;
  };
  switch (fault.kind) {
    case "reset":
      return withBody(brokenStream(await response.text()));
    case "truncated": {
      const text = await response.text();
      return withBody(text.slice(0, Math.max(1, text.length >> 1)));
    }
    case "empty-list": {
      const empty = withBody((await response.text()).startsWith("[") ? "[]" : '{"value":[],"_links":{}}');
      empty.headers.delete("link");
      return empty;
    }
    case "foreign-next":
      return foreignNext(fault, withBody(await response.text()), call);
    case "endless-next":
      return endlessNext(fault, withBody(await response.text()), call);
    case "link-header": {
      const copy = withBody(await response.text());
      const [, next = ""] = /<([^>]*)>; rel="next"/.exec(response.headers.get("link") ?? "") ?? [];
      copy.headers.delete("link");
      const header = fault.header?.replaceAll("{self}", call.url.href).replaceAll("{next}", next);
      // Without a next page there is nothing to garble.
      if (next === "") return withBodyOf(response, copy);
      if (header !== undefined) copy.headers.set("link", header);
      return copy;
    }
    case "headers": {
      const copy = withBody(await response.text());
      for (const [name, value] of Object.entries(fault.headers)) copy.headers.set(name, value);
      return copy;
    }
    case "malformed-record":
      return withBody(malformed(await response.text(), fault.record));
    case "huge-body":
      return withBody(paddedStream(await response.text(), fault.bytes));
    default:
      return response;
  }
};

const foreignNext = (fault: FaultRule, response: Response, call: PartialCall): Promise<Response> =>
  withNext(`${fault.origin}${call.url.pathname}?after=stolen`, response, call);

/** The answer with another link to the next page, in the header or in the body as the list has it. */
const withNext = async (next: string, response: Response, call: PartialCall): Promise<Response> => {
  const text = await response.text();
  const body: unknown = JSON.parse(text);
  if (body !== null && typeof body === "object" && !Array.isArray(body)) {
    return Response.json({ ...body, _links: { next: { href: next } } }, { headers: response.headers });
  }
  const copy = new Response(text, response);
  copy.headers.set("link", `<${call.url.href}>; rel="self"`);
  copy.headers.append("link", `<${next}>; rel="next"`);
  return copy;
};

/** The answer as one page of a list without an end. */
const endlessNext = async (fault: FaultRule, response: Response, call: PartialCall): Promise<Response> => {
  const first = new URL(call.url);
  first.searchParams.delete("after");
  switch (fault.how) {
    case "self":
      return withNext(call.url.href, response, call);
    case "cycle":
      return call.url.searchParams.has("after") ? withNext(first.href, response, call) : response;
    default: {
      first.searchParams.set("again", String(Number(first.searchParams.get("again") ?? 0) + 1));
      const isEmpty = fault.how === "empty";
      const nothing = (await response.clone().text()).startsWith("[") ? "[]" : '{"value":[]}';
      return withNext(first.href, isEmpty ? new Response(nothing, response) : response, call);
    }
  }
};

/** The answer as it was, with a body that can still be read. */
const withBodyOf = (response: Response, copy: Response): Response => {
  const link = response.headers.get("link");
  if (link !== null) copy.headers.set("link", link);
  return copy;
};

const malformed = (text: string, record: unknown): string => {
  const body: unknown = JSON.parse(text);
  return Array.isArray(body) ? JSON.stringify([record, ...body.slice(1)]) : JSON.stringify(record);
};

/** Half of a text, then a broken connection. */
const brokenStream = (text: string): ReadableStream<Uint8Array> => {
  const half = new TextEncoder().encode(text.slice(0, text.length >> 1));
  let sent = false;
  return new ReadableStream({
    pull: (controller) => {
      if (sent) {
        controller.error(new TypeError("connection reset"));
      } else {
        sent = true;
        controller.enqueue(half);
      }
    },
  });
};

/** A valid JSON text after any amount of white space. */
const paddedStream = (text: string, bytes: number): ReadableStream<Uint8Array> => {
  const chunk = new TextEncoder().encode(" ".repeat(65_536));
  let left = bytes;
  return new ReadableStream({
    pull: (controller) => {
      if (left > 0) {
        controller.enqueue(chunk);
        left -= chunk.length;
      } else {
        controller.enqueue(new TextEncoder().encode(text));
        controller.close();
      }
    },
  });
};
