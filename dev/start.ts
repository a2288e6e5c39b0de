/**
 * `npm start`: runs the connector on this machine, with the org from .dev.vars or a simulated one. It fills the
 * inventory, shows the result and keeps running until Ctrl-C.
 */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Connector, connectorAt } from "./start/connector.ts";
import {
  callingKey,
  type DevVars,
  namesRealOrg,
  orgHost,
  parseDevVars,
  strayProblem,
  withApiKey,
} from "./start/dev-vars.ts";
import { onEdit, textOf } from "./start/edits.ts";
import { registerHook } from "./start/event-hook.ts";
import { Failure } from "./start/failure.ts";
import { type Folder, takeFolder } from "./start/folder.ts";
import { openJournal } from "./start/journal.ts";
import { parseOptions, type StartOptions, usage } from "./start/options.ts";
import { judge } from "./start/outcome.ts";
import { freePort } from "./start/ports.ts";
import type { Program } from "./start/processes.ts";
import { countLines, idOf, loginOf, nextSteps, sampleEvent } from "./start/report.ts";
import { createRunner, type Runner } from "./start/runner.ts";
import { screenFor } from "./start/screen.ts";
import { DELTA_CRON, keepTime, readStreams, settingLines, watch } from "./start/watch.ts";
import { startWrangler, waitUntilUp } from "./start/wrangler.ts";

const ROOT = join(import.meta.dirname, "..");
const DEV_VARS = join(ROOT, ".dev.vars");

const say = (text = ""): void => console.log(text);

/** The settings in .dev.vars and a key to the API. When there is no key yet, one is made and stored. */
const readSettings = (text: string): { vars: DevVars; key: string } => {
  const stray = strayProblem(text);
  if (stray !== null) say(stray);
  const vars = parseDevVars(text);
  const known = callingKey(vars);
  if (known !== null) return { vars, key: known };
  const key = randomBytes(32).toString("hex");
  writeFileSync(DEV_VARS, withApiKey(text, key), { mode: 0o600 });
  say("Made a key to the connector's API and stored it in .dev.vars.");
  return { vars, key };
};

interface Org {
  /** Settings that connect the connector to it. */
  readonly vars: Readonly<Record<string, string>>;
  /** The address of a simulated org; null for a real one. */
  readonly simulatedAt: string | null;
  /** Registers an event hook with a simulated org. @param origin the connector's */
  readonly subscribe: (origin: string) => Promise<void>;
}

/** What the folder of an org's state is named after. */
const nameOf = (vars: DevVars, { users, groups, devices, seed }: StartOptions): string =>
  namesRealOrg(vars)
    ? (orgHost(vars) ?? "org").replaceAll(/[^\w.-]/g, "_")
    : `simulated-${users}-${groups}-${devices}-${seed}`;

const realOrg = (vars: DevVars): Org => {
  const host = orgHost(vars);
  say(`Reading the org from .dev.vars${host === null ? "" : `, ${host}`}. Nothing is simulated.`);
  return { vars: {}, simulatedAt: null, subscribe: async () => {} };
};

const simulatedOrg = async (options: StartOptions, vars: DevVars, folder: Folder): Promise<Org> => {
  const { serveOrg, TOKEN, WINDOW_MS } = await import("./start/simulation.ts");
  const { users, groups, devices } = options;
  const journal = openJournal(folder.orgJournal, folder.isNew, Date.now());
  if (journal.broken !== null)
    say(`What was done to the simulated org is lost, because its file cannot be read: ${journal.broken}.`);
  const { origin, refused } = await serveOrg(options, await freePort(options.orgPort), journal);
  say(
    `There is no org in .dev.vars, so one is simulated on ${origin}: ${users} people, ${groups} groups, ${devices} devices.`,
  );
  const { length: changes } = journal.entries;
  if (changes > 0)
    say(
      `Everything that was done to it before has been done again (${changes})${refused === 0 ? "" : `, but for ${refused} that it now refuses`}.`,
    );
  say(
    `It has the rate limits that Okta publishes, in windows of ${WINDOW_MS / 1000} s instead of 60 s so that you do not have to wait.`,
  );
  if (vars.has("SINKS")) say("SINKS is set in .dev.vars, so the events of the simulated org are sent there.");
  const secret = randomBytes(32).toString("hex");
  return {
    vars: {
      OKTA_BASE_URL: origin,
      OKTA_API_TOKEN: TOKEN,
      OKTA_HOOK_SECRET: secret,
      ALLOW_LOOPBACK: "true",
    },
    simulatedAt: origin,
    subscribe: async (connector) => {
      const types = await registerHook(origin, TOKEN, connector, secret);
      say(
        types.ok
          ? `Registered an event hook for ${types.value} types of events, so that changes arrive within seconds.`
          : `The simulated org refuses the event hook, so changes arrive with the next cron: ${types.error}`,
      );
    },
  };
};

/** Says which settings do not do here what they do at Cloudflare. */
const tellWithoutEffect = (vars: DevVars): void => {
  if (!vars.has("DATA_JURISDICTION")) return;
  say(
    "DATA_JURISDICTION is set, but this machine has no jurisdictions: everything is stored here. A change of it is refused, as at Cloudflare; --fresh begins anew.",
  );
};

const folderFor = (name: string, fresh: boolean): Folder => {
  const folder = takeFolder(ROOT, name, fresh);
  if ("heldBy" in folder) {
    throw new Failure(
      `An earlier npm start is still running for this org (process ${folder.heldBy}). Stop it first, for instance with: kill ${folder.heldBy}`,
    );
  }
  if (!folder.isNew) say("Continuing with what an earlier start has stored (--fresh deletes it).");
  return folder;
};

/** Tells of wrong settings. Throws a Failure where they leave nothing that works. */
const tellProblems = async (connector: Connector): Promise<void> => {
  const { problems } = await readStreams(connector);
  if (problems.length > 0)
    say(`\nSome settings are wrong. Each affects only its own part:\n${settingLines(problems)}`);
};

/** Starts the first run, watches it and shows the result. False when the inventory is not complete. */
const fill = async (connector: Connector, org: Org, once: boolean): Promise<boolean> => {
  await tellProblems(connector);
  await connector.fireCron(DELTA_CRON);
  say();
  const streams = await watch(connector, { show: screenFor(process.stdout).show, impatient: once });

  const events = await connector.firstUsers();
  const sample = sampleEvent(events);
  if (sample !== undefined) say(`\nOne of the events:\n${JSON.stringify(sample, null, 2)}`);
  say(`\n${countLines(streams).join("\n")}`);
  const { reasons, notes } = judge(streams);
  if (notes.length > 0) say(`\n${notes.join("\n")}`);
  if (reasons.length === 0) say("\nThe inventory is complete.");
  else say(`\nThe inventory is not complete:\n${reasons.map((reason) => `  ${reason}`).join("\n")}`);
  if (!once) {
    const { origin, key } = connector;
    const places = { origin, key, login: loginOf(sample), userId: idOf(sample), orgOrigin: org.simulatedAt };
    say(`\n${nextSteps({ ...places, hasConsole: await connector.hasConsole() })}`);
  }
  return reasons.length === 0;
};

/**
 * Stops wrangler and everything it has started when this process receives a signal, and as a last resort when it exits.
 * Ctrl-C in a terminal may arrive twice, once from npm. Only the first counts, because stopping takes seconds at most.
 */
const stopWith = (runner: Runner, code: number): { isStopping: () => boolean } => {
  let stopping = false;
  process.once("exit", () => runner.current().kill());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      say("\nStopping.");
      void runner.stop().then(() => process.exit(code));
    });
  }
  return { isStopping: () => stopping };
};

const main = async (): Promise<number> => {
  const parsed = parseOptions(process.argv.slice(2));
  if (!parsed.ok) {
    console.error(`${parsed.error}\n\n${usage}`);
    return 2;
  }
  const options = parsed.value;
  if (options.help) {
    say(usage);
    return 0;
  }
  let { vars, key } = readSettings(textOf(DEV_VARS));
  tellWithoutEffect(vars);
  const name = nameOf(vars, options);
  const folder = folderFor(name, options.fresh);
  process.once("exit", folder.release);
  const org = namesRealOrg(vars) ? realOrg(vars) : await simulatedOrg(options, vars, folder);

  const port = await freePort(options.port);
  if (port !== options.port) say(`Port ${options.port} is taken; the connector listens on ${port}.`);
  const start = (): Program => {
    const wrangler = startWrangler({ port, state: folder.state, log: folder.log, vars: org.vars });
    if (wrangler.pid !== undefined) folder.sharedWith(wrangler.pid);
    return wrangler;
  };
  const runner = createRunner(
    start,
    (program) => new Failure(`wrangler dev has ended. Its last output:\n\n${program.tail()}`),
  );
  const { isStopping } = stopWith(runner, options.once ? 130 : 0);
  const connector = connectorAt(`http://127.0.0.1:${port}`, () => key, runner.restarted);
  const up = async (program: Program): Promise<void> => {
    await waitUntilUp(connector, program, folder.log);
    await org.subscribe(connector.origin);
  };
  /** Takes an edit of .dev.vars over, which `wrangler dev` does not do by itself. */
  const takeOver = async (text: string): Promise<void> => {
    const edited = parseDevVars(text);
    if (nameOf(edited, options) !== name || namesRealOrg(edited) !== namesRealOrg(vars)) {
      say("\n.dev.vars names another org now. To read that one, press Ctrl-C and run npm start again.");
      return;
    }
    say("\n.dev.vars has changed: the connector starts anew with it.");
    ({ vars, key } = readSettings(text));
    tellWithoutEffect(vars);
    await runner.restart(up);
    await tellProblems(connector);
    say("It is running with the new settings.");
  };
  let stopWatching = (): void => {};
  try {
    await up(runner.current());
    if (!options.once)
      stopWatching = onEdit(DEV_VARS, (text) => {
        takeOver(text).catch((error: unknown) =>
          say(error instanceof Failure ? `\n${error.message}` : `\n${String(error)}`),
        );
      });
    const complete = await fill(connector, org, options.once);
    if (options.once) return complete ? 0 : 1;
    say(
      `\nThe connector is running on ${connector.origin}, and starts a run every 15 minutes. Ctrl-C stops it.`,
    );
    return await Promise.race([runner.died, keepTime(connector, say)]);
  } catch (error) {
    // A failure while everything is being stopped is caused by stopping it.
    if (isStopping()) await new Promise(() => {});
    throw error;
  } finally {
    stopWatching();
    await runner.stop();
  }
};

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Failure ? `\n${error.message}` : error);
  process.exitCode = 1;
}
// The simulated org is still listening.
process.exit();
