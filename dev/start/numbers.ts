/** Numbers as people read them. */
export const count = (n: number): string => n.toLocaleString("en");

/** 1 → `1 call`, 1200 → `1,200 calls`. */
export const counted = (n: number, what: string): string => `${count(n)} ${what}${n === 1 ? "" : "s"}`;

/** 95 → `1 min 35 s`. */
export const duration = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
};
