import * as z from "zod";
import { foundDeviceSchema, foundUserSchema } from "../../contract/inventory-documents.ts";
import { cursorOf, searchPlace } from "../places.ts";
import { argumentsOf, nextCursor, tool } from "../tool.ts";
import { counted } from "../words.ts";

/** Of so many devices the people are looked up, two each at most: who asks for more has not named one. */
const MOST_LOOKED_AT = 3;
const MOST_PEOPLE = 2;

export const deviceOwner = tool({
  name: "device_owner",
  title: "Whose device is this?",
  description:
    "Finds devices by id, serial number or name, those that are exactly so called first, with the people who are linked to them; for the " +
    "first ones also what is known of these people (status, MFA, rights). Cost: no call to Okta. It knows devices that are registered in Okta, " +
    "no others; the link may be as old as `current_as_of` of inventory_health. To go from a person to their devices, use explain_account.",
  input: argumentsOf({
    device: z.string().min(1).max(200).describe("An id, a serial number or a name; words of it are enough."),
  }),
  output: z.object({
    devices: z.array(
      foundDeviceSchema.extend({
        exact: z.boolean().describe("Whether its id, serial number or name is exactly what was asked for."),
        people: z
          .array(foundUserSchema)
          .nullable()
          .describe(
            "What the inventory knows of its people, for the first devices of the answer; null for others.",
          ),
      }),
    ),
    total: z.int().describe("How many devices match."),
    next_cursor: nextCursor,
  }),
  async run({ device, connection, limit, cursor }, context) {
    const { results, total, next } = await context
      .stream(connection, "devices")
      .search({ q: device, after: searchPlace(cursor, false), limit, deleted: false });
    const found = results.filter((one) => one.stream === "devices");
    const users = context.stream(connection, "users");
    const person = async (id: string) => {
      const page = await users.search({ q: id, after: 0, limit: 1 });
      return page.results.flatMap((one) => (one.stream === "users" && one.id === id ? [one] : []));
    };
    const wanted = device.trim().toLowerCase();
    const devices = await Promise.all(
      found.map(async (one, index) => ({
        ...one,
        exact: [one.id, one.serial_number, one.name].some((text) => text?.toLowerCase() === wanted),
        people:
          index < MOST_LOOKED_AT
            ? (await Promise.all(one.users.slice(0, MOST_PEOPLE).map(({ id }) => person(id)))).flat()
            : null,
      })),
    );
    const exact = devices.filter((one) => one.exact);
    const owners = exact.length === 1 ? (exact[0]?.users.length ?? 0) : null;
    return {
      structured: { devices, total, next_cursor: cursorOf(next) },
      text: `${counted(total, "device matches", "devices match")}, ${exact.length} exactly.${total === 0 ? " Only ids, serial numbers, names and the people who are linked to a device are searched." : ""}${owners === null ? "" : ` ${counted(owners, "person is", "people are")} linked to that one.`}`,
    };
  },
});
