/** Reports progress on standard error, with the seconds since the start. */
export const say = (text: string): void => {
  const seconds = Math.round(performance.now() / 1000);
  console.error(`[${String(seconds).padStart(4)} s] ${text}`);
};
