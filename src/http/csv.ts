/** Search results as CSV (RFC 4180), for spreadsheets. Pure. */
import {
  type FoundDevice,
  type FoundUser,
  foundDeviceSchema,
  foundUserSchema,
} from "../contract/inventory-documents.ts";
import type { StreamName } from "../contract/streams.ts";

type Found = FoundUser | FoundDevice;

const keys: Readonly<Record<StreamName, readonly string[]>> = {
  users: Object.keys(foundUserSchema.shape),
  devices: Object.keys(foundDeviceSchema.shape),
};

/** Keys whose null means that the answer is not known. Any other null is a value that is not set. */
const TRISTATE: ReadonlySet<string> = new Set([
  "mfa_enrolled",
  "phishing_resistant",
  "is_admin",
  "is_managed",
]);

/** A spreadsheet would run what begins like this as a formula (OWASP, "CSV Injection"). */
const inert = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);

const quoted = (text: string): string => `"${inert(text).replaceAll('"', '""')}"`;

/** The people of a device, by login or else by id. */
const peopleIn = (users: FoundDevice["users"]): string =>
  users.map(({ id, login }) => login ?? id).join("; ");

const textOf = (key: string, value: unknown): string => {
  if (value === null || value === undefined) return TRISTATE.has(key) ? "unknown" : "";
  return Array.isArray(value) ? peopleIn(value) : String(value);
};

const line = (fields: readonly string[]): string => `${fields.map(quoted).join(",")}\r\n`;

/** The header row: the keys of a result. */
export const csvHeader = (stream: StreamName): string => line(keys[stream]);

/** A result as a row. */
export const csvRow = (found: Found): string => {
  const values: Readonly<Record<string, unknown>> = { ...found };
  return line(keys[found.stream].map((key) => textOf(key, values[key])));
};
