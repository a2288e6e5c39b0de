/** A program in its own process group, so that it can be stopped together with everything that it has started. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createWriteStream } from "node:fs";

/** How long a group may take to exit by itself, ms. */
const GRACE_MS = 3_000;
const KEPT_LINES = 40;

export interface Program {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Its last lines of output. */
  tail(): string;
  /** Settles when the program has ended, for whatever reason. */
  readonly ended: Promise<void>;
  isRunning(): boolean;
  /** Stops the whole group and waits until it is gone. */
  stop(): Promise<void>;
  /** Kills the whole group at once, for when this process is about to exit. */
  kill(): void;
}

const signalGroup = (child: ChildProcess, signal: NodeJS.Signals): void => {
  if (child.pid === undefined) return;
  if (process.platform === "win32") {
    spawnSync("taskkill", ["/pid", String(child.pid), "/T", "/F"]);
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has already ended.
  }
};

/** Whether any process of the group is left, even if its leader has ended. */
const groupLives = (child: ChildProcess): boolean => {
  if (child.pid === undefined) return false;
  if (process.platform === "win32") return child.exitCode === null;
  try {
    process.kill(-child.pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Starts a program whose output is written to a file. */
export const startProgram = (options: {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
}): Program => {
  const log = createWriteStream(options.logFile);
  const child = spawn(options.command, options.args, {
    env: options.env,
    detached: process.platform !== "win32",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      log.write(chunk);
      lines.push(...chunk.split("\n").filter((line) => line.trim() !== ""));
      lines.splice(0, lines.length - KEPT_LINES);
    });
  }
  let running = true;
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      running = false;
      log.end();
      resolve();
    };
    child.once("close", end);
    child.once("error", (error) => {
      lines.push(String(error));
      end();
    });
  });
  const stop = async (): Promise<void> => {
    signalGroup(child, "SIGTERM");
    const deadline = Date.now() + GRACE_MS;
    while (groupLives(child) && Date.now() < deadline) await new Promise((wake) => setTimeout(wake, 50));
    if (groupLives(child)) signalGroup(child, "SIGKILL");
    await ended;
  };
  return {
    pid: child.pid,
    tail: () => lines.join("\n"),
    ended,
    isRunning: () => running,
    stop,
    kill: () => signalGroup(child, "SIGKILL"),
  };
};
