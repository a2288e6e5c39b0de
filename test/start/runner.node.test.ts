import { describe, expect, test } from "vitest";
import type { Program } from "../../dev/start/processes.ts";
import { createRunner } from "../../dev/start/runner.ts";

/** Programs that end when they are told to, in the order in which they were started. */
const programs = () => {
  const started: (Program & { end(): void })[] = [];
  const start = (): Program => {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    let running = true;
    const end = (): void => {
      running = false;
      resolve();
    };
    const stop = async (): Promise<void> => end();
    const program = {
      pid: started.length + 1,
      tail: () => "last words",
      ended,
      isRunning: () => running,
      stop,
      kill: end,
      end,
    };
    started.push(program);
    return program;
  };
  return { started, runner: createRunner(start, (program) => new Error(program.tail())) };
};

const settled = async (promise: Promise<unknown>): Promise<string> =>
  Promise.race([
    promise.then(
      () => "resolved",
      (error: Error) => error.message,
    ),
    new Promise<string>((resolve) => setTimeout(() => resolve("pending"), 10)),
  ]);

describe("a program that is started anew", () => {
  test("is stopped first, and whoever asks meanwhile waits until it answers", async () => {
    const { started, runner } = programs();
    expect(await runner.restarted()).toBe(false);
    const { promise: answers, resolve } = Promise.withResolvers<void>();
    const restart = runner.restart(() => answers);
    const waiting = runner.restarted();
    expect(await settled(waiting)).toBe("pending");
    expect(started.map((program) => program.isRunning())).toEqual([false, true]);
    resolve();
    await restart;
    expect(await waiting).toBe(true);
    expect(await settled(runner.died)).toBe("pending");
    expect(runner.current()).toBe(started[1]);
  });

  test("its end by itself is told, before and after", async () => {
    const first = programs();
    first.started[0]?.end();
    expect(await settled(first.runner.died)).toBe("last words");

    const second = programs();
    await second.runner.restart(async () => {});
    second.started[1]?.end();
    expect(await settled(second.runner.died)).toBe("last words");
  });

  test("that does not answer leaves the next edit its try", async () => {
    const { started, runner } = programs();
    await expect(runner.restart(() => Promise.reject(new Error("no answer")))).rejects.toThrow("no answer");
    await runner.restart(async () => {});
    expect(started.map((program) => program.isRunning())).toEqual([false, false, true]);
  });

  test("once stopped it is not started any more", async () => {
    const { started, runner } = programs();
    await runner.stop();
    await runner.restart(async () => {});
    expect(started).toHaveLength(1);
    expect(await settled(runner.died)).toBe("pending");
  });
});
