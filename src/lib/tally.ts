/**
 * Counts of a table's rows by one of its columns, kept by triggers where the rows change. Counting the rows themselves would
 * read all of them each time somebody asks. Write to such a table without `INSERT OR REPLACE`, which leaves out the trigger
 * of the row that it replaces.
 */

/** SQL that creates the table of all tallies; once for each database. */
export const TALLIES =
  "CREATE TABLE IF NOT EXISTS tallies (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID";

/** The statements that begin to count a table's rows by the values of this column, or all of them without one. */
export const tallyOf = (table: string, column: string | null = null): readonly string[] => {
  const name = (row: string) => (column === null ? `'${table}'` : `'${table}/' || ${row}.${column}`);
  const add = (row: string, by: number) =>
    `INSERT INTO tallies (name, n) VALUES (${name(row)}, ${by}) ON CONFLICT (name) DO UPDATE SET n = n + ${by};`;
  return [
    `INSERT INTO tallies (name, n) SELECT ${name("own")}, count(*) FROM ${table} AS own GROUP BY 1`,
    `CREATE TRIGGER ${table}_added AFTER INSERT ON ${table} BEGIN ${add("new", 1)} END`,
    `CREATE TRIGGER ${table}_removed AFTER DELETE ON ${table} BEGIN ${add("old", -1)} END`,
    ...(column === null
      ? []
      : [
          `CREATE TRIGGER ${table}_moved AFTER UPDATE OF ${column} ON ${table} WHEN old.${column} IS NOT new.${column}
            BEGIN ${add("old", -1)} ${add("new", 1)} END`,
        ]),
  ];
};

/** How many rows a table has, with this value if its rows are counted by one. */
export const tally = (sql: SqlStorage, table: string, value?: string | number): number => {
  const name = value === undefined ? table : `${table}/${value}`;
  const [row] = sql.exec<{ n: number }>("SELECT n FROM tallies WHERE name = ?", name);
  return row?.n ?? 0;
};
