/** Asking for parts of records where Okta takes the parameter `fields`: on `/users` since September 2025. */
import { isPlainObject } from "../lib/json.ts";
import type { Result } from "../lib/result.ts";
import type { Page, PageRequest } from "../okta/api.ts";
import type { OktaError } from "../okta/errors.ts";
import type { SliceContext } from "./step.ts";

/** After this, an org that did not take `fields` is asked once more whether it does now. */
const ASK_AGAIN_MS = 30 * 86_400_000;

type Read = (request: PageRequest) => Promise<Result<Page, OktaError>>;

/** Whether the answer has the parts that were asked for. One record may be damaged; all of them are not. */
const hasParts = ({ records }: Page): boolean =>
  records.length === 0 || records.some((record) => isPlainObject(record) && isPlainObject(record["profile"]));

/**
 * A reader that asks for `fields` on the first page; Okta's links to further pages keep them. If the org refuses them, or
 * answers without what was asked for, the page is read whole at once, and so are all others from then on. An org that
 * does not know the parameter ignores it.
 */
export const projected = (
  { meta, now }: Pick<SliceContext, "meta" | "now">,
  fields: string | undefined,
  read: Read,
): Read => {
  const isRefused = now() - (meta.get("fieldsRefusedAt") ?? Number.NEGATIVE_INFINITY) < ASK_AGAIN_MS;
  if (fields === undefined || isRefused) return read;
  return async (request) => {
    if ("next" in request) return read(request);
    const page = await read({ query: { ...request.query, fields } });
    if (page.ok ? hasParts(page.value) : page.error.code !== "bad_request") return page;
    const whole = await read(request);
    // If that is refused as well, the fields were not the reason.
    if (whole.ok) meta.set("fieldsRefusedAt", now());
    return whole;
  };
};
