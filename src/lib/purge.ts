/** Emptying a Durable Object for good. */

/** What several classes of Durable Objects can be asked. */
export interface Purgeable {
  /**
   * Leaves nothing behind, and ends the object, so that nothing that is at work in it writes any more: the call fails
   * then. It returns only if nothing was stored any more, so call it again.
   */
  purge(): Promise<void>;
}

/** Whether nothing is stored, apart from an alarm. */
export const isEmpty = ({ sql, kv }: DurableObjectStorage): boolean => {
  const tables = sql
    .exec(
      "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' LIMIT 1",
    )
    .toArray();
  return tables.length === 0 && [...kv.list({ limit: 1 })].length === 0;
};

/** Empties an object as `Purgeable.purge` says. Its tables are gone then, so it must not make them before it is asked. */
export const purgeObject = async (ctx: DurableObjectState): Promise<void> => {
  const { storage } = ctx;
  if (isEmpty(storage) && (await storage.getAlarm()) === null) return;
  // Nothing else that the object does comes between.
  await ctx.blockConcurrencyWhile(async () => {
    await storage.deleteAlarm();
    await storage.deleteAll();
    await storage.sync();
    // What is in memory, or in the middle of something, still counts on what was stored.
    ctx.abort("This object has been purged.");
  });
};
