/** What a trial request proves, as the result of a test. */
import type { Result } from "../lib/result.ts";
import { isWebPage, webPageError, webPageRemedy } from "./answers.ts";
import { type Answer, describeAnswer, type SinkRequest } from "./request.ts";
import type { DeliveryError, SinkTest } from "./sink.ts";

/** @param message what is proven */
export const passed = (httpStatus: number | null, message: string): SinkTest => ({
  status: "pass",
  httpStatus,
  message,
  remedy: null,
});

/** Neither proven nor refuted. */
export const undecided = (httpStatus: number | null, message: string, remedy: string | null): SinkTest => ({
  status: "unknown",
  httpStatus,
  message,
  remedy,
});

/** @param message what went wrong */
export const failedTest = (httpStatus: number | null, message: string, remedy: string): SinkTest => ({
  status: "fail",
  httpStatus,
  message,
  remedy,
});

/** The remedies that do not depend on the product. */
const remedyOf = (status: number, credential: string): string => {
  if (status === 401 || status === 403 || status === 407) return credential;
  if (status >= 300 && status < 400) return "use the URL that it redirects to; redirects are not followed";
  if (status === 404 || status === 405 || status === 410) return "check the URL: nothing takes events there";
  if (status === 413) return "raise the request size that the receiver or a proxy in front of it takes";
  if (status >= 500) return "look at the receiver: it answers with an error of its own";
  return "read the answer: the receiver understood the request and refused it";
};

/**
 * What a trial request shows where the product says nothing more precise.
 *
 * @param proven what an accepted answer proves.
 * @param credential what to do about a refused credential.
 */
export const judgeTrial = (
  request: SinkRequest,
  sent: Result<Answer, DeliveryError>,
  proven: string,
  credential: string,
): SinkTest => {
  if (!sent.ok) {
    return failedTest(
      null,
      sent.error.message,
      "check the host name, that it can be reached from the Internet, and its TLS certificate",
    );
  }
  const { status } = sent.value;
  const accepts = status >= 200 && status < 300;
  if (accepts && isWebPage(sent.value))
    return failedTest(status, webPageError(request, sent.value).message, webPageRemedy);
  if (accepts) return passed(status, proven);
  const message = describeAnswer(request, sent.value);
  if (status === 400 || status === 422) {
    return undecided(
      status,
      message,
      "the receiver can be reached and refuses an empty batch; the first delivery will show whether it takes events",
    );
  }
  if (status === 429) return undecided(status, message, "the receiver is busy; try again later");
  return failedTest(status, message, remedyOf(status, credential));
};
