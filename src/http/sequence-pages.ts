/** Pages of lines in the order of a stream's sequence numbers. */
import * as z from "zod";
import { wholeNumber } from "./parameters.ts";
import { ProblemError } from "./problems.ts";

/** @param of what the lines are */
export const afterParameter = (of: "changes" | "events") =>
  wholeNumber(0, Number.MAX_SAFE_INTEGER, {
    default: 0,
    description: `Only ${of} with a higher sequence number than this.`,
  });

/** @param of what the lines are */
export const limitParameter = (of: "changes" | "events") =>
  wholeNumber(1, 10_000, {
    default: 1000,
    description: `The most ${of} in one answer. A page of large ${of} may contain fewer.`,
  });

/** The headers of a page. */
export const pageHeaders = z.object({
  "X-Last-Sequence": z.string().openapi({
    type: "integer",
    format: "int64",
    description: "The highest sequence number on this page, or `after` when the page is empty.",
    example: 1_736_906_400_001_903,
  }),
  "X-Inventory": z.string().openapi({
    description:
      "The identity of the inventory, also `inventory` in the stream's status. When it changes, forget assets that " +
      "the new inventory does not list.",
    example: "0b0b7a5e-8a3c-4c0e-9f57-6d1f6f0f8a11",
  }),
  Link: z.string().optional().openapi({
    description: "The next page. Absent on the last page.",
    example: '<https://connector.example.com/v1/inventory/users?after=1736906400001000>; rel="next"',
  }),
});

/** The `Link` header of the next page: the requested URL, continuing where this page ends. */
const nextLink = (url: string, after: number): string => {
  const next = new URL(url);
  next.searchParams.set("after", String(after));
  // RFC 8288 allows `rel` with and without quotes. Okta and most others write it with quotes.
  return `<${next.href}>; rel="next"`;
};

/** What is wrong with a cursor that no page of this inventory has given out, and what to do. */
const aheadOf = (after: number, head: number): string =>
  `${head === 0 ? "This inventory is still empty" : `The highest sequence number of this inventory is ${head}`}, and after ` +
  `is ${after}. The inventory was begun anew, or the number belongs to another inventory. Start over with after=0.`;

/**
 * One page as a response.
 * @param page.more whether another page follows this one
 * @param page.inventory undefined while the inventory has no identity to tell
 * @param page.url the URL that was requested
 * @throws ProblemError `sequence_ahead` if no page of this inventory has given out `after`
 */
export const sequencePage = (page: {
  readonly lines: readonly { readonly json: string }[];
  readonly after: number;
  readonly last: number;
  readonly head: number;
  readonly inventory: string | undefined;
  readonly more: boolean;
  readonly url: string;
}): Response => {
  const { lines, after, last, head, inventory, more, url } = page;
  const named = inventory === undefined ? {} : { "X-Inventory": inventory };
  if (after > head) throw new ProblemError("sequence_ahead", aheadOf(after, head), { headers: named });
  const headers = new Headers({
    ...named,
    "Content-Type": "application/x-ndjson",
    "X-Last-Sequence": String(last),
  });
  if (more) headers.set("Link", nextLink(url, last));
  return new Response(lines.map(({ json }) => `${json}\n`).join(""), { headers });
};
