/**
 * An account in the form in which KV keeps it and AccountLookup replies with it. The form is that of the first
 * release: entries outlive a deployment, and during a gradual one a Worker and an object of different releases talk
 * to each other.
 */
import * as z from "zod";
import { known } from "../inventory/facts.ts";
import type { Account, AccountFact } from "./account.ts";

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
  factors: storedFactSchema(z.array(z.object({ factorType: z.string(), provider: text })).readonly()),
  adminRoles: storedFactSchema(names),
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

export const toStored = (account: Account): StoredAccount => ({
  ...account,
  groups: factToStored(account.groups),
  factors: factToStored(account.factors),
  adminRoles: factToStored(account.adminRoles),
});

export const fromStored = (stored: StoredAccount): Account => ({
  ...stored,
  groups: factFromStored(stored.groups),
  factors: factFromStored(stored.factors),
  adminRoles: factFromStored(stored.adminRoles),
});
