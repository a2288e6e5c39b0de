import type { OktaRole } from "../okta/records.ts";
import type { AssetReader } from "./asset-reader.ts";
import type { Assets } from "./assets.ts";
import type { NewChange } from "./changes.ts";
import type { Facets } from "./facets.ts";
import type { UserFacts } from "./facts.ts";
import { isInherited, isOwn } from "./inherited-roles.ts";
import { type InventoryMeta, type Meta, type OrgFact, withLaterFailure } from "./meta.ts";
import type { Reading } from "./readings.ts";
import { jsonChunks } from "./sql.ts";
import { areRolesOpen, orgStanding } from "./standing.ts";

/** SQL: `roles` has a custom one. */
export const HAS_CUSTOM_ROLE = "EXISTS (SELECT 1 FROM json_each(roles) WHERE value ->> '$.type' = 'CUSTOM')";

interface Row extends Record<string, SqlStorageValue> {
  roles: string | null;
  reason: string | null;
  covers: number;
  read_at: number | null;
  had_no_roles: number;
}

/** The roles that are not through groups. @param roles JSON as it is stored */
const ownRoles = (roles: string): OktaRole[] => (JSON.parse(roles) as OktaRole[]).filter(isOwn);

/** The same as JSON. */
const ownOnly = (roles: string | null): string | null => roles && JSON.stringify(ownRoles(roles));

/** Whether there is a new active role of which Okta does not say when it was assigned. @param was and is JSON as it is stored */
const hasUndated = (was: string | null, is: string | null): boolean => {
  const before = new Set(ownRoles(was ?? "[]").map((role) => JSON.stringify(role)));
  return ownRoles(is ?? "[]").some(
    (role) => role.status === "ACTIVE" && role.created == null && !before.has(JSON.stringify(role)),
  );
};

/** How many members of groups are asked for their roles, because something else cannot tell them. */
const MOST_ASKED_INSTEAD = 1_000;

/** @param which SQL: a condition on `admins` */
const uncoverThose = (sql: SqlStorage, facets: Facets, which: string, ...parameters: string[]): void => {
  const ids = sql
    .exec<{ user_id: string }>(
      `UPDATE admins SET covers = 0 WHERE covers = 1 AND ${which} RETURNING user_id`,
      ...parameters,
    )
    .toArray();
  facets.refresh(ids.map(({ user_id }) => user_id));
};

/** Users whose groups, or the roles of whose groups, have changed: what they said of roles through groups is over. */
export const uncover = (sql: SqlStorage, facets: Facets, userIds: readonly string[]): void => {
  for (const chunk of jsonChunks(userIds))
    uncoverThose(sql, facets, "user_id IN (SELECT value FROM json_each(?))", chunk);
};

/** The same for all members of a group. */
export const uncoverMembers = (sql: SqlStorage, facets: Facets, groupId: string): void => {
  uncoverThose(
    sql,
    facets,
    "EXISTS (SELECT 1 FROM memberships WHERE group_id = ? AND memberships.user_id = admins.user_id)",
    groupId,
  );
};

/** The same for everybody who belongs to Everyone. @param withDeprovisioned whether DEPROVISIONED users do */
export const uncoverEveryone = (sql: SqlStorage, facets: Facets, withDeprovisioned: boolean): void => {
  const status = withDeprovisioned ? "" : "AND record ->> '$.status' <> 'DEPROVISIONED'";
  uncoverThose(
    sql,
    facets,
    `EXISTS (SELECT 1 FROM assets WHERE id = admins.user_id AND deleted_at IS NULL ${status})`,
  );
};

/**
 * The users whose own roles are asked for, because they have some or may have. Once the org's list of them is known, every
 * other user has none but through groups. Callers open the transaction.
 */
export class Admins {
  readonly #sql: SqlStorage;
  readonly #meta: Meta<InventoryMeta>;
  readonly #assets: Assets;
  readonly #users: AssetReader<UserFacts>;

  constructor(
    sql: SqlStorage,
    meta: Meta<InventoryMeta>,
    { assets, users }: { readonly assets: Assets; readonly users: AssetReader<UserFacts> },
  ) {
    this.#sql = sql;
    this.#meta = meta;
    this.#assets = assets;
    this.#users = users;
  }

  /**
   * Decides whose own roles are asked for: users in `listing`, and members of groups of which Okta says that they give
   * roles but refuses to say which, up to 1,000 of them. Whose roles were read after `asOf` stays among them, and so does
   * whose roles are still to be read again, since the listing may be behind. Users who are new or no longer among them
   * get new sequence numbers.
   * @param listing null if Okta refuses the list: then members of all groups that give roles are asked instead, and
   *   nobody is taken off
   * @param asOf ms since the epoch by our clock
   * @returns the ids of these users
   */
  setCandidates(listing: string | null, asOf: number): string[] {
    const listed = "SELECT row.value AS user_id FROM sweeps, json_each(ids) AS row WHERE listing = ?1";
    const silent = `SELECT id FROM groups WHERE has_roles = 1 ${listing === null ? "" : "AND roles_reason IS NOT NULL"}`;
    const candidates = `${listed} UNION SELECT user_id FROM
       (SELECT DISTINCT user_id FROM memberships WHERE group_id IN (${silent}) LIMIT ${MOST_ASKED_INSTEAD})`;
    const added = this.#sql
      .exec<{ user_id: string }>(
        `INSERT OR IGNORE INTO admins (user_id, had_no_roles) SELECT user_id, ?2 FROM (${candidates}) RETURNING user_id`,
        listing ?? "",
        this.#hadNone,
      )
      .toArray();
    const removed =
      listing === null
        ? []
        : this.#sql
            .exec<{ user_id: string; roles: string | null; read_at: number | null; had_no_roles: number }>(
              `DELETE FROM admins WHERE user_id NOT IN (${candidates}) AND coalesce(tried_at, 0) < ?2
                 AND user_id NOT IN (SELECT id FROM stale WHERE kind = 'roles') 
                 RETURNING user_id, roles, read_at, had_no_roles`,
              listing,
              asOf,
            )
            .toArray();
    const ids = [...added, ...removed].map(({ user_id }) => user_id);
    this.#assets.facets.refresh(ids);
    const { history } = this.#assets;
    if (history.since !== null)
      history.note(removed.flatMap((row) => this.#change(row.user_id, row, "[]") ?? []));
    this.#assets.touch(ids);
    return ids;
  }

  /** What a reading changes about the user's own roles; null if nothing, or if they were not known before. */
  #change(
    userId: string,
    was: Pick<Row, "roles" | "read_at" | "had_no_roles">,
    value: string,
  ): NewChange | null {
    const last = was.had_no_roles === 1 ? "[]" : was.roles;
    if (last === null || ownOnly(last) === ownOnly(value)) return null;
    const user = this.#users.one(userId);
    if (user === null || user.deletedAt !== null) return null;
    const own = { before: ownRoles(last), after: ownRoles(value) };
    const { roles } = user.facts;
    const inherited = roles.state === "known" ? roles.value.filter(isInherited) : null;
    const all = inherited && { before: [...own.before, ...inherited], after: [...own.after, ...inherited] };
    return {
      id: userId,
      part: "roles",
      kind: "updated",
      detail: { ...own, ...(all !== null && { roles: all }) },
      since: this.#assets.history.byOkta(was.read_at ?? this.#meta.get("roles")?.at ?? null),
    };
  }

  /** Whether who has no row is known to have no roles: 1 or 0. */
  get #hadNone(): number {
    return (this.#meta.get("roles")?.at ?? null) === null ? 0 : 1;
  }

  /** The ids of the users who have a custom role of their own. */
  customHolders(): string[] {
    return this.#sql
      .exec<{ user_id: string }>(`SELECT user_id FROM admins WHERE ${HAS_CUSTOM_ROLE}`)
      .toArray()
      .map(({ user_id }) => user_id);
  }

  /** How many users' own roles are asked for. */
  count(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM admins").one().n;
  }

  /**
   * The next users whose roles have not been read or tried since `triedBefore` (ms since the epoch), those who were
   * tried longest ago first.
   * @param failedOnly only users whose last try failed
   */
  next(triedBefore: number, limit: number, failedOnly = false): string[] {
    return this.#sql
      .exec<{ user_id: string }>(
        `SELECT user_id FROM admins WHERE coalesce(tried_at, 0) < ? ${failedOnly ? "AND reason = 'failed'" : ""}
         ORDER BY coalesce(tried_at, 0), user_id LIMIT ?`,
        triedBefore,
        limit,
      )
      .toArray()
      .map(({ user_id }) => user_id);
  }

  /**
   * Stores the outcome of reading one user's roles. A failure keeps the last known value. What the answer says of roles
   * through groups changes the user's event only where the groups do not tell.
   * @returns whether the user's event changed
   */
  setRoles(userId: string, reading: Reading, readAt: number): boolean {
    const row = this.#rowOf(userId);
    const was = row ?? this.#unlisted();
    if ("value" in reading) {
      this.#sql.exec(
        `INSERT INTO admins (user_id, roles, read_at, reason, tried_at) VALUES (?1, ?2, ?3, NULL, ?3)
         ON CONFLICT (user_id) DO UPDATE SET roles = ?2, read_at = ?3, reason = NULL, tried_at = ?3, covers = 1,
           had_no_roles = 0`,
        userId,
        reading.value,
        readAt,
      );
    } else {
      this.#sql.exec(
        `INSERT INTO admins (user_id, reason, tried_at, had_no_roles) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (user_id) DO UPDATE SET reason = ?2, tried_at = ?3`,
        userId,
        reading.reason,
        readAt,
        this.#hadNone,
      );
    }
    const is = this.#rowOf(userId) ?? was;
    const { history } = this.#assets;
    const change =
      "value" in reading && history.since !== null ? this.#change(userId, was, reading.value) : null;
    const isSame = was.roles === is.roles && was.covers === is.covers;
    const isSameOwn = was.reason === is.reason && ownOnly(was.roles) === ownOnly(is.roles);
    // Most people have the roles that they had, and the same facet.
    if (row === null || !isSame || was.reason !== is.reason) this.#assets.facets.refresh([userId]);
    if (isSameOwn && (isSame || !this.#isOpenThroughGroups(userId))) return false;
    if (change !== null) history.note([change]);
    if (change !== null && hasUndated(was.roles, is.roles))
      this.#assets.facets.noteNewAdmins([userId], [], history.moment);
    return this.#assets.touch([userId]) > 0;
  }

  /** Whether it is unknown which roles this user's groups give. */
  #isOpenThroughGroups(userId: string): boolean {
    const facet = this.#assets.facets.of(userId);
    return facet !== null && areRolesOpen(facet, orgStanding(this.#sql));
  }

  #rowOf(userId: string): Row | null {
    const [row] = this.#sql.exec<Row>(
      "SELECT roles, reason, covers, read_at, had_no_roles FROM admins WHERE user_id = ?",
      userId,
    );
    return row ?? null;
  }

  /** What is known of a user without a row. */
  #unlisted(): Row {
    const org = this.#meta.get("roles");
    const at = org?.at ?? null;
    return {
      roles: at === null ? null : "[]",
      reason: at === null ? "pending" : (org?.reason ?? null),
      covers: 0,
      read_at: at,
      had_no_roles: 0,
    };
  }

  /** A complete list makes up for failures before it. @param askedAt when it was asked for, ms since the epoch */
  makeUpForFailure(askedAt: number): void {
    const was = this.#meta.get("roles");
    if (was?.failedAt === undefined || was.failedAt >= askedAt) return;
    this.#meta.set("roles", { at: was.at, reason: was.reason });
  }

  /** After a complete list read outside of a full run. @param at when it began, ms since the epoch */
  listed(at: number): void {
    const was = this.#meta.get("roles");
    if (was !== null && was.reason !== null) this.setOrg({ at, reason: null });
  }

  /**
   * Stores how far the org's roles are known. Every event depends on it, so a change gives all assets new sequence
   * numbers.
   */
  setOrg(reading: OrgFact): void {
    const was = this.#meta.get("roles");
    const next = withLaterFailure(was, reading);
    this.#meta.set("roles", next);
    if (((was?.at ?? null) === null) !== (next.at === null) || (was?.reason ?? null) !== next.reason)
      this.#assets.touchAll();
  }
}
