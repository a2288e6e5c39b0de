/** What goes on, on standard error, with the seconds since the beginning. */
export const say = (text: string): void => {
  const seconds = Math.round(performance.now() / 1000);
  console.error(`[${String(seconds).padStart(4)} s] ${text}`);
};
