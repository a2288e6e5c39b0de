/** One HTTP request to a sink: no redirects, an answer of bounded size, a time-out, errors as values. */
import { readBounded } from "../lib/bounded-text.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { timeLimit } from "../lib/timeout.ts";
import { presentable } from "./presentable.ts";
import type { DeliveryError } from "./sink.ts";

const timeoutMs = 30_000;
const defaultAnswerBytes = 65_536;

export interface SinkRequest {
  readonly method: "GET" | "POST";
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
}

/** `[POST] "https://siem.example.com/…": what happened`, without secrets. */
export const describe = (request: SinkRequest, what: string): string =>
  `[${request.method}] "${request.label}": ${presentable(what, request.secrets)}`;

/** An answer as people read it: `429 Too Many Requests slow down`. */
export const describeAnswer = (request: SinkRequest, answer: Answer): string =>
  describe(request, [answer.status, answer.statusText, answer.text].filter((part) => part !== "").join(" "));

const errorOf = (request: SinkRequest, thrown: unknown): DeliveryError => {
  const timedOut = thrown instanceof Error && thrown.name === "TimeoutError";
  return timedOut
    ? { code: "timeout", status: null, message: describe(request, `no answer within ${timeoutMs / 1000} s`) }
    : { code: "network", status: null, message: describe(request, `connection failed: ${String(thrown)}`) };
};

/**
 * Sends a request to a sink.
 *
 * @returns the answer, whatever its status; or `timeout`, or `network` when there was none or it broke off: then
 *   the sink may or may not have taken the request.
 */
export const send = async (
  fetcher: typeof fetch,
  request: SinkRequest,
): Promise<Result<Answer, DeliveryError>> => {
  const limit = timeLimit(timeoutMs);
  try {
    const response = await fetcher(request.url, {
      method: request.method,
      headers: { "user-agent": "okta-edge-connector", accept: "application/json", ...request.headers },
      redirect: "manual",
      signal: limit.signal,
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    const most = request.answerBytes ?? defaultAnswerBytes;
    const text = (await readBounded(response, most)).text.slice(0, most);
    return ok({ status: response.status, statusText: response.statusText, headers: response.headers, text });
  } catch (thrown) {
    return err(errorOf(request, thrown));
  } finally {
    limit.clear();
  }
};
