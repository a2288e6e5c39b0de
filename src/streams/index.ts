/** The streams by name. */
import type { StreamName } from "../contract/streams.ts";
import type { StreamDefinition } from "./definition.ts";
import { devices } from "./devices.ts";
import { users } from "./users.ts";

export const streams: Readonly<Record<StreamName, StreamDefinition>> = { users, devices };
