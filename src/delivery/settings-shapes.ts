/** The keys of SINKS by type, as people write them: names, defaults and bounds of the public contract. */
import * as z from "zod";
import { type Dialect, dialects, streamNames } from "../contract/streams.ts";

const secretName = z
  .string("it must be the name of a secret, for example SIEM_TOKEN")
  .min(1, "it must be the name of a secret, for example SIEM_TOKEN")
  .max(512, "it must be the name of a secret, for example SIEM_TOKEN");

const urlText = z.string("it must be a URL, for example https://siem.example.com/okta");

const flag = z.boolean("it must be true or false, without quotes");

const bindingName = z
  .string("it must be the name of a binding, for example EVENTS")
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, "it must be the name of a binding, for example EVENTS");

const uuid = z
  .string("it must be the connector configuration's UUID, as Sekoia.io shows it")
  .trim()
  .toLowerCase()
  .regex(
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    "it must be the connector configuration's UUID, as Sekoia.io shows it",
  );

const nameMessage = "it must be 1 to 64 letters, digits, hyphens or underscores, for example siem";
const streamsMessage = 'it must list "users", "devices" or both, each once';

/** A sink's name, which is part of routes and of object names. */
export const sinkName = z.string(nameMessage).regex(/^[a-zA-Z0-9_-]{1,64}$/, nameMessage);

const common = (dialect: Dialect) => ({
  name: sinkName,
  streams: z
    .array(z.enum(streamNames, streamsMessage), streamsMessage)
    .min(1, streamsMessage)
    .refine((list) => new Set(list).size === list.length, streamsMessage)
    .default([...streamNames]),
  dialect: z.enum(dialects, 'it must be "ocsf" or "sekoia"').default(dialect),
});

// docs.splunk.com, "Create custom indexes": lower-case letters, digits, underscores, hyphens; `_` leads internal ones.
const splunkIndexMessage = "it must be an index name: lower-case letters, digits, underscores, hyphens";

// elastic.co, "Create index API", path parameters.
const elasticIndexMessage =
  'it must be an index name: lower-case, at most 255 characters, none of \\ / * ? " < > | , # : or space, not starting with - _ or +';

const connectorUuidsMessage =
  'it must hold at least one connector UUID, for example {"users": "b2e2e2c7-1a3e-4b7a-9c2d-8e4f3a6b7c9d"}';

export const sinkShapes = {
  sekoia: z.strictObject({
    type: z.literal("sekoia"),
    ...common("sekoia"),
    api_key_secret: secretName,
    connector_uuids: z
      .strictObject(
        { users: uuid.optional(), devices: uuid.optional() },
        { error: (issue) => (issue.code === "invalid_type" ? connectorUuidsMessage : undefined) },
      )
      .refine((uuids) => uuids.users !== undefined || uuids.devices !== undefined, {
        error: () => connectorUuidsMessage,
      }),
    base_url: urlText.default("https://api.sekoia.io"),
    batch_size: z
      .number("it must be a whole number from 1 to 1000")
      .int("it must be a whole number from 1 to 1000")
      .min(1, "it must be a whole number from 1 to 1000")
      .max(1000, "it must be a whole number from 1 to 1000")
      .default(100),
  }),
  http: z.strictObject({
    type: z.literal("http"),
    ...common("ocsf"),
    url: urlText,
    format: z.enum(["json", "ndjson"], 'it must be "json" or "ndjson"').default("json"),
    gzip: flag.default(false),
    token_secret: secretName.optional(),
    hmac_secret: secretName.optional(),
  }),
  r2: z.strictObject({
    type: z.literal("r2"),
    ...common("ocsf"),
    binding: bindingName.default("EVENTS"),
    prefix: z
      .string("it must be the beginning of the objects' keys, for example okta/")
      .regex(
        /^[\x21-\x7e]{0,256}$/,
        "it must be at most 256 printable characters without spaces, for example okta/",
      )
      .regex(/^(?!\/)/, "it must not start with a slash; a right value looks like okta/")
      .default(""),
  }),
  splunk_hec: z.strictObject({
    type: z.literal("splunk_hec"),
    ...common("ocsf"),
    url: urlText,
    token_secret: secretName,
    index: z
      .string(splunkIndexMessage)
      .regex(/^[a-z0-9_][a-z0-9_-]{0,127}$/, splunkIndexMessage)
      .optional(),
    sourcetype: z
      .string("it must be a sourcetype, for example okta:inventory")
      .regex(/^[\x21-\x7e]{1,128}$/, "it must be a sourcetype, for example okta:inventory")
      .optional(),
    ack: flag.default(false),
  }),
  elasticsearch: z.strictObject({
    type: z.literal("elasticsearch"),
    ...common("ocsf"),
    url: urlText,
    api_key_secret: secretName,
    index: z
      .string(elasticIndexMessage)
      .regex(/^(?![-_+]|\.{1,2}$)[^\\/*?"<>|,#:\sA-Z]{1,255}$/, elasticIndexMessage),
  }),
  queue: z.strictObject({
    type: z.literal("queue"),
    ...common("ocsf"),
    binding: bindingName.default("EVENTS_QUEUE"),
  }),
} as const;

export type SinkShape = z.infer<(typeof sinkShapes)[keyof typeof sinkShapes]>;

export const sinkTypes = Object.keys(sinkShapes);
