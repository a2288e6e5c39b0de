/** Pages of lines in the order of a stream's sequence numbers. */
import * as z from "zod";

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
export const nextLink = (url: string, after: number): string => {
  const next = new URL(url);
  next.searchParams.set("after", String(after));
  // RFC 8288 allows `rel` with and without quotes. Okta and most others write it with quotes.
  return `<${next.href}>; rel="next"`;
};

/** What is wrong with a cursor that no page of this inventory has given out, and what to do. */
export const aheadOf = (after: number, head: number): string =>
  `${head === 0 ? "This inventory is still empty" : `The highest sequence number of this inventory is ${head}`}, and after ` +
  `is ${after}. The inventory was begun anew, or the number belongs to another inventory. Start over with after=0.`;
