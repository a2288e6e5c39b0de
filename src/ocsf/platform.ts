/** Reading Okta's `profile.platform`, which is `WINDOWS` in the real API and `Windows` in older samples. */

/** An operating system by the name that people use. */
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

/** The operating system of a platform in any spelling; null if it is not one of these or not given. */
export const osFamily = (platform: string | undefined): OsFamily | null =>
  platform === undefined ? null : (FAMILIES.get(platform.trim().toLowerCase()) ?? null);
