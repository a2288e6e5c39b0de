/** Which changes somebody is looking for, as far as that is told by their words and not by columns. Pure. */
import type { Change, ChangeActor, ChangeField } from "../contract/changes.ts";
import type { RecentChangesQuery } from "../contract/stream-api.ts";
import { folded } from "../lib/folded.ts";

/** What the words of a change are compared with. */
export type ChangeFilter = Pick<RecentChangesQuery, "fields" | "actor" | "text">;

/** Whether a text, or its beginning or middle, is one of these; case and accents do not matter. */
const isIn = (wanted: string, texts: readonly (string | null)[]): boolean => {
  const part = folded(wanted);
  return texts.some((text) => folded(text).includes(part));
};

const isBy = (wanted: string, { actor, events }: Pick<Change, "actor" | "events">): boolean => {
  const actors: ChangeActor[] = [actor, ...events.map((event) => event.actor)].filter((one) => one !== null);
  return actors.some(({ id, name, login }) => id === wanted || isIn(wanted, [name, login]));
};

/** The names of groups that were joined or left. */
const groupsIn = (fields: readonly ChangeField[]): string[] =>
  fields.flatMap((field) =>
    field.field === "groups" && "added" in field
      ? [...field.added, ...field.removed].filter((name) => typeof name === "string")
      : [],
  );

/** Whether a change is among those that are looked for. */
export const suits = (
  change: Pick<Change, "id" | "name" | "fields" | "actor" | "events">,
  { fields, actor, text }: ChangeFilter,
): boolean =>
  (fields === undefined || change.fields.some(({ field }) => fields.includes(field))) &&
  (actor === undefined || isBy(actor, change)) &&
  (text === undefined || change.id === text || isIn(text, [change.name, ...groupsIn(change.fields)]));
