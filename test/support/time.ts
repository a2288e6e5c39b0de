/** The clock of everything that runs in this file's isolate; the simulated orgs have one of their own. */

export const realNow = Date.now;
let offset = 0;
Date.now = () => realNow() + offset;

/**
 * From now on time passes only by `passTime`, so that nothing depends on how fast the machine is. What measures time
 * before and after `await` finds that none has passed.
 */
export const stopTime = (): void => {
  const stoppedAt = Date.now() - offset;
  Date.now = () => stoppedAt + offset;
};

/** How much time has passed by `passTime`, ms. */
export const timePassed = (): number => offset;

/** Lets time pass at once, ms. Alarms that are set for later fire by the real clock all the same. */
export const passTime = (ms: number): void => {
  offset += ms;
};
