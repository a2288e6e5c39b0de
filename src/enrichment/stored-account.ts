/**
 * An account in the form in which KV keeps it and AccountLookup replies with it. The form is that of the first
 * release: entries outlive a deployment, and during a gradual one a Worker and an object of different releases talk
 * to each other.
 */
import * as z from "zod";
import { known } from "../inventory/facts.ts";
import {
  type Account,
  type AccountFact,
  type ActiveRole,
  devicesPending,
  labelsOf,
  mapFact,
} from "./account.ts";

const storedFactSchema = <T extends z.ZodType>(value: T) =>
  z.discriminatedUnion("known", [
    z.object({ known: z.literal(true), value, at: z.number() }),
    z.object({
      known: z.literal(false),
      /** The reason's code. */
      reason: z.string(),
      message: z.string(),
      last: z.object({ value, at: z.number() }).nullable(),
    }),
  ]);

const text = z.string().nullable();
/** What the first release did not store is not known. */
const laterText = text.default(null);
const role = z.object({
  label: z.string(),
  type: text,
  assignment: z.enum(["user", "group"]).nullable(),
  group: text,
  assignedAt: text,
  resourceSet: text,
});
const device = z.object({ id: z.string(), name: text, platform: text, managed: z.boolean().nullable() });
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const attributes = z.record(z.string(), z.union([scalar, z.array(scalar).readonly()]).nullable());
const names = z.array(z.string()).readonly();

export const storedAccountSchema = z.object({
  id: z.string(),
  login: text,
  email: text,
  displayName: text,
  status: z.string(),
  created: text,
  lastLogin: text,
  passwordChanged: text,
  department: text,
  title: text,
  manager: text,
  groups: storedFactSchema(names),
  realmId: laterText,
  userType: laterText,
  attributes: attributes.default({}),
  readAt: z.number().nullable().default(null),
  factors: storedFactSchema(
    z
      .array(z.object({ factorType: z.string(), provider: text, created: laterText, lastUpdated: laterText }))
      .readonly(),
  ),
  /** The labels, each once. */
  adminRoles: storedFactSchema(names),
  /** The roles themselves, which the first release did not store. */
  roles: storedFactSchema(z.array(role).readonly()).optional(),
  /** Versions before 0.2.0 did not store them. */
  devices: storedFactSchema(z.array(device).readonly()).optional(),
});

export type StoredAccount = z.infer<typeof storedAccountSchema>;

type StoredFact<T> = z.infer<ReturnType<typeof storedFactSchema<z.ZodType<T>>>>;

const factToStored = <T>(fact: AccountFact<T>): StoredFact<T> => {
  if (fact.state === "known") return { known: true, value: fact.value, at: fact.at };
  const { code, message } = fact.reason;
  return { known: false, reason: code, message, last: fact.last ?? null };
};

const factFromStored = <T>(stored: StoredFact<T>): AccountFact<T> => {
  if (stored.known) return known(stored.value, stored.at);
  const { reason: code, message, last } = stored;
  return { state: "unknown", reason: { code, message }, ...(last !== null && { last }) };
};

/** Roles of which only the labels are known. */
const labelled = (labels: readonly string[]): ActiveRole[] =>
  labels.map((label) => ({
    label,
    type: null,
    assignment: null,
    group: null,
    assignedAt: null,
    resourceSet: null,
  }));

export const toStored = (account: Account): StoredAccount => ({
  ...account,
  groups: factToStored(account.groups),
  factors: factToStored(account.factors),
  adminRoles: factToStored(mapFact(account.adminRoles, labelsOf)),
  roles: factToStored(account.adminRoles),
  devices: factToStored(account.devices),
});

export const fromStored = ({ roles, devices, ...stored }: StoredAccount): Account => ({
  ...stored,
  groups: factFromStored(stored.groups),
  factors: factFromStored(stored.factors),
  adminRoles:
    roles === undefined ? mapFact(factFromStored(stored.adminRoles), labelled) : factFromStored(roles),
  devices: devices === undefined ? devicesPending : factFromStored(devices),
});
