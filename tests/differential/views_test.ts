import { assert, assertEquals, AssertionError, assertThrows } from "@std/assert";
import {
  DEFAULT_SETTINGS,
  Distinct,
  mergeTop,
  parseText,
  type PostDocument,
  TOPICS,
  type ViewDocument,
  ViewState,
} from "@pipeline/core";
import { disorderedHistory, writeDataset } from "./_dataset.ts";
import {
  LATEST_POSTS,
  type Row,
  Sql,
  SUBREDDIT_ACTIVITY,
  SUBREDDITS,
  TOP_POSTS,
  USER_TOTALS,
  USER_WINDOWS,
} from "./_sql.ts";
import { estimateOf, registersOf } from "./_hyperloglog.ts";

const WINDOWS = ["1m", "1h", "1d"] as const;
const EXACT = 128;

/** Both sides of the comparison, made once. */
interface Sides {
  readonly documents: readonly ViewDocument[];
  query(sql: string): Promise<Row[]>;
}

async function withSides(compare: (sides: Sides) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "differential-" });
  try {
    await writeDataset(folder, disorderedHistory());
    const state = new ViewState({ ...DEFAULT_SETTINGS, userWindows: WINDOWS });
    for (const topic of TOPICS) {
      const text = await Deno.readTextFile(`${folder}/${topic}.json`);
      for (const line of text.trimEnd().split("\n")) state.add(parseText(topic, line));
    }
    await using sql = await Sql.open(folder);
    const documents = [...state.documents("batch")];
    await compare({ documents, query: (query) => sql.rows(query) });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The rows' named columns as one text each, in the order of keys. */
function table(rows: readonly object[], columns: readonly string[]): string[] {
  return rows.map((row) => {
    const fields = row as Record<string, unknown>;
    const values = columns.map((column) => {
      const value = fields[column];
      return typeof value === "bigint" ? Number(value) : value;
    });
    return JSON.stringify(values);
  }).sort();
}

/** Compares tables and shows the first differences alone. */
function assertSameTable(ours: readonly string[], theirs: readonly string[]): void {
  const [a, b] = [new Set(ours), new Set(theirs)];
  assertEquals(
    { onlyViews: ours.filter((row) => !b.has(row)).slice(0, 5), rows: ours.length },
    { onlyViews: [], rows: theirs.length },
  );
  assertEquals({ onlySql: theirs.filter((row) => !a.has(row)).slice(0, 5) }, { onlySql: [] });
  assertEquals([a.size, b.size], [ours.length, theirs.length]);
}

function ofType<T extends ViewDocument["type"]>(
  documents: readonly ViewDocument[],
  type: T,
): Extract<ViewDocument, { type: T }>[] {
  return documents.filter((document) => document.type === type) as Extract<
    ViewDocument,
    { type: T }
  >[];
}

/** What both sides are asked, and the columns in which their answers must agree. */
interface Comparison {
  readonly name: string;
  readonly sql: string;
  readonly columns: readonly string[];
  ours(documents: readonly ViewDocument[]): readonly object[];
}

const COMPARISONS: readonly Comparison[] = [
  {
    name: "posts and comments a subreddit and window",
    sql: SUBREDDIT_ACTIVITY,
    columns: ["subreddit", "window", "window_start", "posts", "comments"],
    ours: (documents) => ofType(documents, "activity"),
  },
  {
    name: "posts and comments a user and window",
    sql: USER_WINDOWS,
    columns: ["user_id", "window", "window_start", "posts", "comments"],
    ours: (documents) => ofType(documents, "user_window"),
  },
  {
    name: "what is known of each user",
    sql: USER_TOTALS,
    columns: [
      ...["user_id", "name", "name_timestamp", "posts", "comments", "subreddits", "last_active"],
      ...["karma_timestamp", "karma", "username"],
    ],
    ours: (documents) =>
      ofType(documents, "user_total").map((document) => {
        const subreddits = new Distinct();
        subreddits.addStored(document.subreddits);
        return { ...document, subreddits: subreddits.count() };
      }),
  },
  {
    name: "the latest version of each post",
    sql: LATEST_POSTS,
    columns: [
      ...["subreddit", "post_id", "title", "user_id", "score", "num_comments"],
      ...["created_utc", "timestamp"],
    ],
    ours: (documents) => ofType(documents, "post"),
  },
  {
    name: "the best posts of each subreddit",
    sql: TOP_POSTS,
    columns: ["subreddit", "place", "post_id"],
    ours: (documents) => {
      const subreddits = Map.groupBy(ofType(documents, "post"), (post) => post.subreddit);
      return [...subreddits.values()].flatMap((posts: PostDocument[]) =>
        mergeTop(10, posts, []).items.map((post, i) => ({ ...post, place: i + 1 }))
      );
    },
  },
  {
    name: "how each subreddit is spelled",
    sql: SUBREDDITS,
    columns: ["subreddit", "name", "name_timestamp"],
    ours: (documents) => ofType(documents, "subreddit"),
  },
];

/** Rules broken in the SQL, each of which the dataset must bring to light. */
const CONTROLS: readonly { view: string; rule: string; with: string }[] = [
  { view: COMPARISONS[0]!.name, rule: "FROM windowed_counted", with: "FROM windowed" },
  { view: COMPARISONS[1]!.name, rule: "FROM windowed_counted", with: "FROM windowed" },
  { view: COMPARISONS[2]!.name, rule: "FROM counted", with: "FROM announced" },
  { view: COMPARISONS[2]!.name, rule: "as_of DESC, concat", with: "concat" },
  { view: COMPARISONS[2]!.name, rule: "to_json(username), '}') DESC", with: "'') ASC" },
  { view: COMPARISONS[2]!.name, rule: "max(epoch_ms", with: "min(epoch_ms" },
  { view: COMPARISONS[3]!.name, rule: "as_of DESC", with: "as_of ASC" },
  { view: COMPARISONS[3]!.name, rule: "as_of DESC", with: '"timestamp" DESC' },
  { view: COMPARISONS[3]!.name, rule: "'}'\n    ) DESC", with: "'}'\n    ) ASC" },
  { view: COMPARISONS[4]!.name, rule: "score DESC", with: "score ASC" },
  { view: COMPARISONS[4]!.name, rule: ", created_utc DESC", with: "" },
  {
    view: COMPARISONS[3]!.name,
    rule: "PARTITION BY fold(subreddit)",
    with: "PARTITION BY subreddit",
  },
  { view: COMPARISONS[5]!.name, rule: "as_of DESC, ", with: "" },
  { view: COMPARISONS[2]!.name, rule: ", name DESC", with: ", name ASC" },
  { view: COMPARISONS[2]!.name, rule: "PARTITION BY fold(name)", with: "PARTITION BY lower(name)" },
];

Deno.test("the views equal SQL over the same files, for every view, key and window", async (t) => {
  await withSides(async ({ documents, query }) => {
    for (const { name, sql, columns, ours } of COMPARISONS) {
      await t.step(name, async () => {
        assertSameTable(table(ours(documents), columns), table(await query(sql), columns));
      });
    }

    await t.step("distinct users a subreddit and window, exact and in registers", async () => {
      const rows = await query(SUBREDDIT_ACTIVITY);
      const key = (row: object) => table([row], ["subreddit", "window", "window_start"])[0]!;
      const ours = new Map(ofType(documents, "activity").map((d) => [key(d), d]));
      const large = rows.filter((row) => (row.active_users as number) > EXACT);
      assert(large.length > 10 && rows.length - large.length > 100);
      for (const row of rows) {
        const { users, active_users } = ours.get(key(row))!;
        const count = row.active_users as number;
        if (count <= EXACT) {
          assertEquals(active_users, count, key(row));
          continue;
        }
        const registers = registersOf(row.authors as string[]);
        assertEquals(users, `h${registers.map(digit).join("")}`, key(row));
        assertEquals(active_users, estimateOf(registers), key(row));
        assert(Math.abs(active_users / count - 1) < 5 * 1.04 / 64, `${active_users} for ${count}`);
      }
    });

    for (const { view, rule, with: other } of CONTROLS) {
      await t.step(
        `another answer to ${view} for ${JSON.stringify(other)} in the SQL`,
        async () => {
          const { sql, columns, ours } = COMPARISONS.find(({ name }) => name === view)!;
          assert(sql.includes(rule), rule);
          const rows = table(await query(sql.replace(rule, other)), columns);
          assertThrows(
            () => assertSameTable(table(ours(documents), columns), rows),
            AssertionError,
          );
        },
      );
    }
  });
});

function digit(rank: number): string {
  return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[rank]!;
}
