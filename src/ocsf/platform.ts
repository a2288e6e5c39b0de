/** Okta's `profile.platform`: `WINDOWS` in the real API, `Windows` in older samples. */

export type OsFamily = "Windows" | "macOS" | "iOS" | "Android" | "ChromeOS" | "Linux";

const FAMILIES: ReadonlyMap<string, OsFamily> = new Map([
  ["windows", "Windows"],
  ["macos", "macOS"],
  ["mac os", "macOS"],
  ["mac os x", "macOS"],
  ["osx", "macOS"],
  ["ios", "iOS"],
  ["android", "Android"],
  ["chromeos", "ChromeOS"],
  ["chrome os", "ChromeOS"],
  ["linux", "Linux"],
]);

/** The family of a platform in any spelling; null when it is another one or none. */
export const osFamily = (platform: string | undefined): OsFamily | null =>
  platform === undefined ? null : (FAMILIES.get(platform.trim().toLowerCase()) ?? null);
