import type { Child, FC, PropsWithChildren } from "hono/jsx";

/** A table with a row of column headings. The children are its other rows. */
export const Table: FC<PropsWithChildren<{ heads: readonly Child[] }>> = ({ heads, children }) => (
  <table>
    <thead>
      <tr>
        {heads.map((head) => (
          <th scope="col">{head}</th>
        ))}
      </tr>
    </thead>
    <tbody>{children}</tbody>
  </table>
);
