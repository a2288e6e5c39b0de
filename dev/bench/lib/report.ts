/** The report: tables that compare every figure with a peer or a floor from the same run. */
import { writeFileSync } from "node:fs";

export interface Row {
  /** The title of the table that the row belongs to. */
  readonly table: string;
  readonly what: string;
  readonly ours: number;
  /** What it is compared with: a peer, a floor, or a bound of the design. */
  readonly beside: number;
  readonly besideWhat: string;
  readonly unit: string;
  /** `ours` must be at most this many times `beside`. Without it, the row is only for information. */
  readonly atMost?: number;
  /** Which side was computed by a formula instead of measured. */
  readonly computed?: "both" | "beside";
  /** What exactly is wrong when the goal is missed. */
  readonly detail?: string;
}

const shown = (value: number): string =>
  value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3);

const ratioOf = ({ ours, beside }: Row): number | null => {
  const ratio = ours / beside;
  return Number.isFinite(ratio) ? ratio : null;
};

const isMet = ({ ours, beside, atMost }: Row): boolean | null =>
  atMost === undefined ? null : ours <= atMost * beside;

const withUnit = (value: number, unit: string): string =>
  unit === "" ? shown(value) : `${shown(value)} ${unit}`;

const sides = ({ ours, beside, besideWhat, unit, computed }: Row) => ({
  ours: `${withUnit(ours, unit)}${computed === "both" ? " (computed)" : ""}`,
  beside: `${withUnit(beside, unit)}: ${besideWhat}${computed === undefined ? "" : " (computed)"}`,
});

export class Report {
  readonly #rows: Row[] = [];
  readonly #failures: { section: string; message: string }[] = [];
  readonly #printed = new Set<Row>();

  add(...rows: readonly Row[]): void {
    for (const row of rows) {
      if (this.#rows.some(({ table, what }) => table === row.table && what === row.what))
        throw new Error(`two rows of ${row.table} are called ${row.what}`);
      this.#rows.push(row);
    }
  }

  /** Records a section that could not be measured. */
  fail(section: string, message: string): void {
    this.#failures.push({ section, message });
  }

  /** One line for each section that could not be measured. */
  get failures(): string[] {
    return this.#failures.map(({ section, message }) => `Not measured: ${section}: ${message}`);
  }

  /** One line for each missed goal, followed by what differs. */
  get missed(): string[] {
    const missed = this.#rows.filter((row) => isMet(row) === false);
    return missed.map((row) => {
      const { ours, beside } = sides(row);
      const detail = row.detail === undefined || row.detail === "" ? "" : `\n${row.detail}`;
      return `Goal missed: ${row.table}: ${row.what}: ${ours}, at most ${row.atMost} times ${beside}${detail}`;
    });
  }

  /** Prints the rows that have not been printed yet, by table. */
  print(): void {
    const fresh = this.#rows.filter((row) => !this.#printed.has(row));
    for (const table of new Set(fresh.map((row) => row.table))) {
      const rows = fresh.filter((row) => row.table === table);
      console.log(`\n${table}`);
      console.table(
        Object.fromEntries(
          rows.map((row) => [
            row.what,
            {
              ...sides(row),
              ratio: ratioOf(row)?.toPrecision(3) ?? "",
              goal: row.atMost === undefined ? "" : row.beside === 0 ? "none" : `at most ${row.atMost}`,
            },
          ]),
        ),
      );
      for (const row of rows) this.#printed.add(row);
    }
  }

  /** Writes everything as JSON. */
  write(file: string, options: object): void {
    const rows = this.#rows.map((row) => ({ ...row, ratio: ratioOf(row), met: isMet(row) }));
    const machine = { platform: process.platform, arch: process.arch, node: process.version };
    const document = { at: new Date().toISOString(), machine, ...options, failures: this.#failures, rows };
    writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
  }
}
