/** Builds the Worker as a deploy would, without deploying, and fails when it has outgrown its budget. */
import { spawnSync } from "node:child_process";

/** KiB after gzip. Start-up time grows with it; the platform's own bound is far above. */
const BUDGET_KIB = 400;

const { status, stdout, stderr } = spawnSync("wrangler", ["deploy", "--dry-run"], {
  encoding: "utf8",
  env: { ...process.env, CLOUDFLARE_TELEMETRY_DISABLED: "1", WRANGLER_HIDE_BANNER: "true" },
});
if (status !== 0) {
  console.error(`${stdout}${stderr}`);
  process.exit(status ?? 1);
}
const size = Number(/gzip: ([\d.]+) KiB/.exec(stdout)?.[1]);
if (!(size <= BUDGET_KIB)) {
  console.error(stdout);
  console.error(`The Worker is ${size} KiB after gzip; its budget is ${BUDGET_KIB} KiB.`);
  process.exit(1);
}
console.log(`The Worker builds: ${size} KiB after gzip, of ${BUDGET_KIB} KiB.`);
