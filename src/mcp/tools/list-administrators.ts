import * as z from "zod";
import { foundUserSchema } from "../../contract/inventory-documents.ts";
import { activeRoles, whyUnknown } from "../../enrichment/account.ts";
import { roleDetails, roleSchema } from "../../enrichment/answer.ts";
import { defined } from "../../lib/defined.ts";
import { cursorOf, searchPlace } from "../places.ts";
import { argumentsOf, nextCursor, tool } from "../tool.ts";
import { counted } from "../words.ts";

const administratorSchema = foundUserSchema.extend({
  roles: z
    .array(roleSchema)
    .nullable()
    .describe(
      "The active roles; null if they are not all known. Some of them may surely be there all the same.",
    ),
  roles_unknown: z
    .object({ code: z.string(), message: z.string() })
    .nullable()
    .describe("Why the roles are not all known."),
});

export const listAdministrators = tool({
  name: "list_administrators",
  title: "List administrators",
  description:
    "Lists everybody who has an active administrator role, their own or a group's, with the roles, who gave them (user or group) and " +
    "since when, MFA and last sign-in. Cost: no call to Okta. `unknown_total` is how many more may be administrators, because " +
    'their roles are unknown: find_accounts with admin "unknown" lists them. For checks such as dormant administrators, use posture.',
  input: argumentsOf({
    mfa: z
      .enum(["enrolled", "not_enrolled", "unknown"])
      .optional()
      .describe("Only those with this state of MFA."),
    phishing_resistant: z
      .union([z.boolean(), z.literal("unknown")])
      .optional()
      .describe(
        "Only those who have a factor that resists phishing (webauthn, u2f, fastpass), or have none, or of whom it is unknown.",
      ),
    status: z.string().min(1).max(200).optional().describe("As Okta spells it, such as ACTIVE or SUSPENDED."),
    role: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe("Only those with a role of this label, such as Super Administrator."),
  }),
  output: z.object({
    administrators: z.array(administratorSchema),
    total: z.int().describe("How many match, on all pages together."),
    unknown_total: z
      .int()
      .describe("Of how many accounts it is unknown whether they are administrators at all."),
    next_cursor: nextCursor,
  }),
  async run({ connection, limit, cursor, mfa, phishing_resistant, status, role }, context) {
    const users = context.stream(connection, "users");
    const query = {
      admin: true,
      limit,
      after: searchPlace(cursor, true),
      sort: "name",
      ...defined({ mfa, phishingResistant: phishing_resistant, status, role }),
    } as const;
    const [found, open] = await Promise.all([
      users.search(query),
      users.search({ admin: "unknown", after: 0, limit: 1 }),
    ]);
    const people = found.results.filter((one) => one.stream === "users");
    const roles = new Map(
      (await users.rolesOf(people.map(({ id }) => id))).map((one) => [one.id, one.roles]),
    );
    const administrators = people.map((person) => {
      const fact = roles.get(person.id);
      return {
        ...person,
        roles: fact?.state === "known" ? roleDetails(activeRoles(fact.value)) : null,
        roles_unknown: fact?.state === "known" ? null : whyUnknown(fact?.reason ?? "pending"),
      };
    });
    const rest = counted(open.total, "account is", "accounts are");
    return {
      structured: {
        administrators,
        total: found.total,
        unknown_total: open.total,
        next_cursor: cursorOf(found.next),
      },
      text: `${counted(found.total, "administrator matches", "administrators match")}; ${administrators.length} in this answer. ${open.total === 0 ? "Of nobody is it unknown whether they are one." : `${rest} possibly administrators as well: their roles are unknown.`}`,
    };
  },
});
