import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { AnnouncedTable } from "./announced.ts";

Deno.test("AnnouncedTable identifies entries by id and created_utc, like a list that is searched", () => {
  const ids = fc.constantFrom("a", "b", "constructor", "__proto__");
  fc.assert(fc.property(
    fc.array(fc.tuple(ids, fc.nat(3), fc.option(fc.string(), { nil: undefined }))),
    (announcements) => {
      const table = new AnnouncedTable<string, string>();
      const model = new Map<string, readonly [string, number, string | undefined]>();
      for (const [id, created, subreddit] of announcements) {
        const entry = table.find(id, created) ?? table.add(id, created);
        table.count(entry, `by ${id}`, subreddit, `of ${id}`);
        model.set(`${id} ${created}`, [id, created, subreddit]);
      }
      assertEquals(table.size, model.size);
      assertEquals(table.ids, new Set(announcements.map(([id]) => id)).size);
      for (const [id, entry] of table.entries()) {
        const name = `${id} ${table.created[entry]}`;
        assertEquals(table.find(id, table.created[entry]!), entry);
        const [, , subreddit] = model.get(name)!;
        model.delete(name);
        assertEquals(table.users[entry], `by ${id}`);
        assertEquals(table.subreddits[entry], subreddit);
        assertEquals(table.postId(entry), subreddit === undefined ? `of ${id}` : undefined);
      }
      assertEquals(model.size, 0);
    },
  ));
});
