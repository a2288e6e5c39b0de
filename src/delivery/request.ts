/** One HTTP request to a sink: no redirects, an answer of bounded size, a time-out, errors as values. */

import { presentable } from "../lib/redact.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { timeLimit } from "../lib/timeout.ts";
import type { DeliveryError } from "./sink.ts";

/** Until the status comes, and from then on until the body has ended. */
const timeoutMs = 30_000;
const bodyMs = 10_000;
const defaultAnswerBytes = 65_536;

export interface SinkRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly url: string;
  /** How errors name the endpoint: without its query, and without a path that may be a secret. */
  readonly label: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
  /** Values that no message may hold. */
  readonly secrets: readonly string[];
  /** How much of the answer is read; the rest is dropped. */
  readonly answerBytes?: number;
}

export interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  /** The beginning of the body. */
  readonly text: string;
  /** The body broke off, or did not end in time: `text` is what came. */
  readonly isCut: boolean;
}

/** `[POST] "https://siem.example.com/…": what happened`, without secrets. */
export const describe = (request: SinkRequest, what: string): string =>
  `[${request.method}] "${request.label}": ${presentable(what, request.secrets)}`;

/** Where an answer redirects to, without the query: ` to https://siem.example.com/new`. */
const redirection = (request: SinkRequest, { status, headers }: Answer): string => {
  const location = status >= 300 && status < 400 ? headers.get("location") : null;
  const target = location === null ? null : URL.parse(location, request.url);
  return target === null ? "" : `to ${target.origin}${target.pathname}`;
};

/** An answer as people read it: `429 Too Many Requests slow down`, `308 to https://siem.example.com/new`. */
export const describeAnswer = (request: SinkRequest, answer: Answer): string => {
  const parts = [answer.status, answer.statusText, redirection(request, answer), answer.text];
  return describe(request, parts.filter((part) => part !== "").join(" "));
};

const errorOf = (request: SinkRequest, thrown: unknown): DeliveryError => {
  const timedOut = thrown instanceof Error && thrown.name === "TimeoutError";
  return timedOut
    ? { code: "timeout", status: null, message: describe(request, `no answer within ${timeoutMs / 1000} s`) }
    : { code: "network", status: null, message: describe(request, `connection failed: ${String(thrown)}`) };
};

/** What comes of a body, up to a bound. A body that breaks off, or takes too long, is cut: what came before counts. */
const readAnswer = async (
  { body }: Response,
  most: number,
  signal: AbortSignal,
): Promise<Pick<Answer, "text" | "isCut">> => {
  if (body === null) return { text: "", isCut: false };
  const reader = body.getReader();
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  signal.addEventListener("abort", cancel);
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (text.length < most) {
      const { done, value } = await reader.read();
      if (done) return { text: text + decoder.decode(), isCut: signal.aborted };
      text += decoder.decode(value, { stream: true });
    }
    cancel();
    return { text: text.slice(0, most), isCut: false };
  } catch {
    return { text, isCut: true };
  } finally {
    signal.removeEventListener("abort", cancel);
  }
};

/**
 * Sends a request to a sink.
 *
 * @returns the answer, whatever its status, even if its body breaks off; or `timeout`, or `network` when there was none:
 *   then the sink may or may not have taken the request.
 */
export const send = async (
  fetcher: typeof fetch,
  request: SinkRequest,
): Promise<Result<Answer, DeliveryError>> => {
  const headLimit = timeLimit(timeoutMs);
  let response: Response;
  try {
    response = await fetcher(request.url, {
      method: request.method,
      headers: { "user-agent": "okta-edge-connector", accept: "application/json", ...request.headers },
      redirect: "manual",
      signal: headLimit.signal,
      ...(request.body === undefined ? {} : { body: request.body }),
    });
  } catch (thrown) {
    return err(errorOf(request, thrown));
  } finally {
    headLimit.clear();
  }
  const bodyLimit = timeLimit(bodyMs);
  try {
    const body = await readAnswer(response, request.answerBytes ?? defaultAnswerBytes, bodyLimit.signal);
    const { status, statusText, headers } = response;
    return ok({ status, statusText, headers, ...body });
  } finally {
    bodyLimit.clear();
  }
};
