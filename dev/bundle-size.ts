/**
 * Builds the Worker as a deploy would, without deploying, and fails when it exceeds its size budget. Start-up time
 * depends on how much code there is to read, and cannot be measured reliably in a check.
 * `npm run bench -- --only start-up` measures it.
 */
import { spawnSync } from "node:child_process";

/** KiB of the whole script: what start-up has to parse. The platform's own bound is 64 MiB. */
const BUDGET_KIB = 1400;
/** KiB after gzip: what is uploaded and distributed. */
const GZIP_BUDGET_KIB = 450;

const { status, stdout, stderr } = spawnSync("wrangler", ["deploy", "--dry-run"], {
  encoding: "utf8",
  env: { ...process.env, CLOUDFLARE_TELEMETRY_DISABLED: "1", WRANGLER_HIDE_BANNER: "true" },
});
if (status !== 0) {
  console.error(`${stdout}${stderr}`);
  process.exit(status ?? 1);
}
const [, size, gzipped] = /Total Upload: ([\d.]+) KiB \/ gzip: ([\d.]+) KiB/.exec(stdout) ?? [];
if (!(Number(size) <= BUDGET_KIB && Number(gzipped) <= GZIP_BUDGET_KIB)) {
  console.error(stdout);
  console.error(
    `The Worker is ${size} KiB, ${gzipped} KiB after gzip; its budget is ${BUDGET_KIB} and ${GZIP_BUDGET_KIB} KiB.`,
  );
  process.exit(1);
}
console.log(
  `The Worker builds: ${size} KiB of ${BUDGET_KIB} KiB, ${gzipped} KiB after gzip of ${GZIP_BUDGET_KIB} KiB.`,
);
