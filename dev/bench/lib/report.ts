/** The table: every figure beside its peer or floor, from one run. */
import { writeFileSync } from "node:fs";

export interface Row {
  /** The table that it belongs to. */
  readonly table: string;
  readonly what: string;
  readonly ours: number;
  /** What it is held against: a peer, a floor, or the design's own bound. */
  readonly beside: number;
  readonly besideWhat: string;
  readonly unit: string;
  /** `ours` must be at most this many times `beside`; without it the row is for information. */
  readonly atMost?: number;
  /** Worked out from a formula, not run. */
  readonly computed?: boolean;
}

const shown = (value: number): string =>
  value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3);

const ratioOf = ({ ours, beside }: Row): number => (beside === 0 ? Number.NaN : ours / beside);

export class Report {
  readonly #rows: Row[] = [];
  readonly #printed = new Set<string>();

  add(...rows: readonly Row[]): void {
    this.#rows.push(...rows);
  }

  /** Rows that miss their goal. */
  get missed(): Row[] {
    return this.#rows.filter((row) => row.atMost !== undefined && !(row.ours <= row.atMost * row.beside));
  }

  /** The tables that were not printed before. */
  print(): void {
    for (const table of new Set(this.#rows.map((row) => row.table))) {
      if (this.#printed.has(table)) continue;
      this.#printed.add(table);
      console.log(`\n${table}`);
      console.table(
        Object.fromEntries(
          this.#rows
            .filter((row) => row.table === table)
            .map((row) => [
              row.what,
              {
                ours: `${shown(row.ours)} ${row.unit}`,
                beside: `${shown(row.beside)} ${row.unit}: ${row.besideWhat}${row.computed === true ? " (computed)" : ""}`,
                ratio: Number.isNaN(ratioOf(row)) ? "" : ratioOf(row).toPrecision(3),
                goal: row.atMost === undefined ? "" : `at most ${row.atMost}`,
              },
            ]),
        ),
      );
    }
  }

  write(file: string, options: object): void {
    const rows = this.#rows.map((row) => ({
      ...row,
      ratio: Number.isNaN(ratioOf(row)) ? null : ratioOf(row),
    }));
    writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), ...options, rows }, null, 2)}\n`);
  }
}
