/** What keys of SINKS are made of: the keys that all types have, and the kinds of value that several types take. */
import * as z from "zod";
import { type Dialect, dialects, streamNames } from "../contract/streams.ts";

/** Text of one form. @param message what it must be, for a wrong type and a wrong form alike */
export const textLike = (form: RegExp, message: string) => z.string(message).regex(form, message);

/** A whole number within bounds. */
export const wholeNumber = (min: number, max: number) => {
  const message = `it must be a whole number from ${min} to ${max}`;
  return z.number(message).int(message).min(min, message).max(max, message);
};

/** How many events go together at most. Absent settings stay absent, so that they are the same as before there was this. */
export const batchSize = wholeNumber(1, 1000);

export const batchSizeOf = ({ batch_size: size }: { readonly batch_size?: number | undefined }) =>
  size === undefined ? {} : { batchSize: size };

export const flag = z.boolean("it must be true or false, without quotes");

/** A URL, which the resolver judges further. */
export const urlText = z.string("it must be a URL, for example https://siem.example.com/okta");

/** The name of a secret, never its value. */
export const secretName = textLike(/^.{1,512}$/s, "it must be the name of a secret, for example SIEM_TOKEN");

/** The name of a binding of the Worker. */
export const bindingName = textLike(
  /^[A-Za-z_][A-Za-z0-9_]{0,63}$/,
  "it must be the name of a binding, for example EVENTS",
);

/** A sink's name, which is part of routes and of object names. */
export const sinkName = textLike(
  /^[a-zA-Z0-9_-]{1,64}$/,
  "it must be 1 to 64 letters, digits, hyphens or underscores, for example siem",
);

const streamsMessage = 'it must list "users", "devices" or both, each once';

const connectionsMessage = 'it must list ids of connections, each once, for example ["default"]';

/** The keys that all types have. @param dialect the default one of the type */
export const commonKeys = (type: string, dialect: Dialect) => ({
  type: z.literal(type),
  name: sinkName,
  streams: z
    .array(z.enum(streamNames, streamsMessage), streamsMessage)
    .min(1, streamsMessage)
    .refine((list) => new Set(list).size === list.length, streamsMessage)
    .default([...streamNames]),
  connections: z
    .array(z.string(connectionsMessage), connectionsMessage)
    .min(1, connectionsMessage)
    .refine((list) => new Set(list).size === list.length, connectionsMessage)
    .optional(),
  dialect: z.enum(dialects, 'it must be "ocsf", "sekoia" or "sekoia_2026"').default(dialect),
  changes: flag.optional(),
});

/** The common keys as people write them, with defaults. */
export type WrittenCommon = z.output<z.ZodObject<ReturnType<typeof commonKeys>>>;
