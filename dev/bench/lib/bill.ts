/** What Cloudflare would bill for some work, as counted in the bench Worker (worker/meter.ts). */
export interface Bill {
  /** SQLite's own counts, including index rows. A key-value read, write or alarm counts as a row, too. */
  readonly rowsRead: number;
  readonly rowsWritten: number;
  /** Calls of Durable Objects, including alarms. */
  readonly objectRequests: number;
  readonly kvReads: number;
  readonly kvWrites: number;
  readonly kvBytes: number;
  /** Objects written to R2, and their size. */
  readonly r2Writes: number;
  readonly r2Bytes: number;
}

export const NO_BILL: Bill = {
  rowsRead: 0,
  rowsWritten: 0,
  objectRequests: 0,
  kvReads: 0,
  kvWrites: 0,
  kvBytes: 0,
  r2Writes: 0,
  r2Bytes: 0,
};

/** A bill whose counts are given by a function of the kind. */
export const billOf = (count: (kind: keyof Bill) => number): Bill => ({
  rowsRead: count("rowsRead"),
  rowsWritten: count("rowsWritten"),
  objectRequests: count("objectRequests"),
  kvReads: count("kvReads"),
  kvWrites: count("kvWrites"),
  kvBytes: count("kvBytes"),
  r2Writes: count("r2Writes"),
  r2Bytes: count("r2Bytes"),
});
