import type { Child, FC, PropsWithChildren } from "hono/jsx";

/** A column heading, and how the rows are sorted by it; absent if they are not. */
export interface Head {
  readonly text: Child;
  readonly sorted?: "ascending" | "descending";
}

/** A table with a row of column headings. The children are its other rows. */
export const Table: FC<PropsWithChildren<{ heads: readonly (string | Head)[] }>> = ({ heads, children }) => (
  <table>
    <thead>
      <tr>
        {heads.map((head) =>
          typeof head === "string" ? (
            <th scope="col">{head}</th>
          ) : (
            <th scope="col" {...(head.sorted && { "aria-sort": head.sorted })}>
              {head.text}
            </th>
          ),
        )}
      </tr>
    </thead>
    <tbody>{children}</tbody>
  </table>
);
