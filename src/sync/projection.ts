/** Asking for parts of records where Okta takes the parameter `fields`: on `/users` since September 2025. */
import { isPlainObject } from "../lib/json.ts";
import type { Result } from "../lib/result.ts";
import type { Page, PageRequest } from "../okta/api.ts";
import type { OktaError, OktaErrorCode } from "../okta/errors.ts";
import type { Fields } from "../streams/definition.ts";
import type { SliceContext } from "./step.ts";

const DAY_MS = 86_400_000;
/** After this, an org that refused `fields` is asked once more whether it takes them now. */
const ASK_AGAIN_MS = 30 * DAY_MS;

/** Failures that have nothing to do with what was asked for. */
const OTHER_CAUSES: ReadonlySet<OktaErrorCode> = new Set([
  "rate_limited",
  "invalid_credential",
  "forbidden",
  "insufficient_scope",
]);

type Read = (request: PageRequest) => Promise<Result<Page, OktaError>>;

/** Whether the answer has the parts that were asked for. One record may be damaged; all of them are not. */
const hasParts = ({ records }: Page): boolean =>
  records.length === 0 || records.some((record) => isPlainObject(record) && isPlainObject(record["profile"]));

/**
 * A reader that asks for `fields` on the first page; Okta's links to further pages keep them. If the org refuses them, or
 * answers without what was asked for, the page is read whole at once, and so are all others for 30 days. Any other
 * failure is taken for a refusal only until the org has once taken them, and for one day. An org that does not know the
 * parameter ignores it.
 */
export const projected = (
  { meta, now, connection }: Pick<SliceContext, "meta" | "now" | "connection">,
  fieldsOf: Fields | undefined,
  read: Read,
): Read => {
  const known = meta.get("fields");
  const isRefused = known !== null && !known.taken && now() - known.at < ASK_AGAIN_MS;
  if (fieldsOf === undefined || isRefused) return read;
  const fields = fieldsOf(connection.profileAttributes);
  const wereTaken = known?.taken === true;
  return async (request) => {
    if ("next" in request) return read(request);
    const page = await read({ query: { ...request.query, fields } });
    if (page.ok && hasParts(page.value)) {
      if (!wereTaken && page.value.records.length > 0) meta.set("fields", { taken: true, at: now() });
      return page;
    }
    const isAnswer = page.ok || page.error.code === "bad_request";
    if (!page.ok && !isAnswer && (wereTaken || OTHER_CAUSES.has(page.error.code))) return page;
    const whole = await read(request);
    // If that fails as well, the fields were not the reason.
    if (whole.ok) meta.set("fields", { taken: false, at: isAnswer ? now() : now() - ASK_AGAIN_MS + DAY_MS });
    return whole;
  };
};
