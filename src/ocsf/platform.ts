/** Reading Okta's `profile.platform`, which is `WINDOWS` in the real API and `Windows` in older samples. */

/** An operating system by the name that people use. */
export type OsFamily = "Windows" | "macOS" | "iOS" | "Android" | "ChromeOS" | "Linux";

/** OCSF 1.6.0's `os.type_id`. It has none for ChromeOS, which is 99, "Other". */
export const OS_TYPE_IDS = {
  Windows: 100,
  Linux: 200,
  Android: 201,
  macOS: 300,
  iOS: 301,
  ChromeOS: 99,
} as const satisfies Readonly<Record<OsFamily, number>>;

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
