/**
 * The views once more, in SQL: nothing here is shared with the code that folds them.
 *
 * @module
 */

import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";

/** A row: texts, and integers as bigint or number. */
export type Row = Record<string, unknown>;

/** A database with the dataset's records in tables. */
export class Sql implements AsyncDisposable {
  private constructor(
    readonly instance: DuckDBInstance,
    readonly connection: DuckDBConnection,
  ) {}

  /** Reads the JSON lines below a folder. */
  static async open(folder: string): Promise<Sql> {
    const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
    const sql = new Sql(instance, await instance.connect());
    await sql.connection.run(tables(folder));
    for (const statements of [FOLD, NAMES, ANNOUNCEMENTS]) await sql.connection.run(statements);
    return sql;
  }

  async rows(query: string): Promise<Row[]> {
    return (await this.connection.runAndReadAll(query)).getRowObjectsJS();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.connection.closeSync();
    this.instance.closeSync();
    return Promise.resolve();
  }
}

function tables(folder: string): string {
  const read = (topic: string, columns: Record<string, string>) => {
    const times = ["created_utc", "timestamp", "retrieved_utc"];
    const all = Object.entries({ ...columns, user_id: "VARCHAR" });
    const list = [...all, ...times.map((name) => [name, "VARCHAR"])]
      .map(([name, type]) => `${name}: '${type}'`).join(", ");
    const typed = times.map((name) => `"${name}"::TIMESTAMP AS "${name}"`).join(", ");
    // greatest() passes over NULL.
    return `SELECT *, greatest("timestamp", retrieved_utc) AS as_of FROM (
        SELECT * REPLACE (${typed})
      FROM read_json('${folder}/${topic}.json', format = 'newline_delimited', columns = {${list}}))`;
  };
  return `
    CREATE TABLE posts AS ${
    read("reddit.posts", {
      post_id: "VARCHAR",
      subreddit: "VARCHAR",
      title: "VARCHAR",
      score: "BIGINT",
      num_comments: "BIGINT",
    })
  };
    CREATE TABLE comments AS ${
    read("reddit.comments", { comment_id: "VARCHAR", post_id: "VARCHAR", subreddit: "VARCHAR" })
  };
    CREATE TABLE users AS ${read("reddit.users", { username: "VARCHAR", karma: "BIGINT" })};`;
}

/**
 * How names of subreddits and users compare: without the case of letters of ASCII (DuckDB's `lower` knows
 * others too).
 */
const FOLD = `
  CREATE MACRO fold(name) AS
    translate(name, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz');`;

/**
 * Who wrote which name when: every record but updates of comments. The one that was written last is shown;
 * DuckDB orders texts by their UTF-8 bytes.
 */
const NAMES = `
  CREATE TABLE named_users AS
    SELECT user_id AS name, as_of FROM posts
    UNION ALL SELECT user_id, as_of FROM comments WHERE created_utc = "timestamp"
    UNION ALL SELECT user_id, as_of FROM users;
  CREATE TABLE named_subreddits AS
    SELECT subreddit AS name, as_of FROM posts
    UNION ALL SELECT subreddit, as_of FROM comments
      WHERE created_utc = "timestamp" AND subreddit IS NOT NULL;`;

const LAST_WRITTEN = (table: string) => `
  SELECT fold(name) AS key, name, epoch_ms(as_of) AS name_timestamp FROM ${table}
  QUALIFY row_number() OVER (PARTITION BY fold(name) ORDER BY as_of DESC, name DESC) = 1`;

/** How each subreddit is shown. */
export const SUBREDDITS = `
  SELECT key AS subreddit, name, name_timestamp FROM (${LAST_WRITTEN("named_subreddits")})`;

/**
 * `announced`: every record that announces; `counted`: one of each entity, the least by
 * (known subreddit, subreddit, author); `windowed` and `windowed_counted`: the same, once a window.
 */
const ANNOUNCEMENTS = `
  CREATE TABLE announced AS
    SELECT 'post' AS kind, post_id AS id, fold(subreddit) AS subreddit, fold(user_id) AS user_id,
      created_utc FROM posts
      WHERE created_utc = "timestamp"
    UNION ALL
    SELECT 'comment', comment_id, fold(subreddit), fold(user_id), created_utc FROM comments
      WHERE created_utc = "timestamp";
  CREATE TABLE counted AS
    SELECT * FROM announced
    QUALIFY row_number() OVER (
      PARTITION BY kind, id, created_utc ORDER BY subreddit ASC NULLS LAST, user_id ASC
    ) = 1;
  CREATE TABLE sizes AS SELECT * FROM (VALUES ('1m', 'minute'), ('1h', 'hour'), ('1d', 'day'))
    AS sizes("window", unit);
  CREATE VIEW windowed AS
    SELECT announced.*, "window", epoch_ms(date_trunc(unit, created_utc)) AS window_start
    FROM announced, sizes;
  CREATE VIEW windowed_counted AS
    SELECT counted.*, "window", epoch_ms(date_trunc(unit, created_utc)) AS window_start
    FROM counted, sizes;`;

/** Announced posts and comments and their authors a subreddit and window. */
export const SUBREDDIT_ACTIVITY = `
  SELECT subreddit, "window", window_start, coalesce(posts, 0)::INT AS posts,
    coalesce(comments, 0)::INT AS comments, active_users::INT AS active_users, authors
  FROM (
    SELECT subreddit, "window", window_start, count(DISTINCT user_id) AS active_users,
      list(DISTINCT user_id) AS authors
    FROM windowed WHERE subreddit IS NOT NULL GROUP BY ALL
  ) LEFT JOIN (
    SELECT subreddit, "window", window_start,
      count(*) FILTER (kind = 'post') AS posts, count(*) FILTER (kind = 'comment') AS comments
    FROM windowed_counted WHERE subreddit IS NOT NULL GROUP BY ALL
  ) USING (subreddit, "window", window_start)`;

/** Announced posts and comments a user and window. */
export const USER_WINDOWS = `
  SELECT user_id, "window", window_start,
    (count(*) FILTER (kind = 'post'))::INT AS posts,
    (count(*) FILTER (kind = 'comment'))::INT AS comments
  FROM windowed_counted GROUP BY ALL`;

/** What is known of each user. */
export const USER_TOTALS = `
  WITH active AS (
    SELECT user_id, max(epoch_ms(created_utc)) AS last_active,
      count(DISTINCT subreddit)::INT AS subreddits,
      list(DISTINCT subreddit) FILTER (subreddit IS NOT NULL) AS places
    FROM announced GROUP BY user_id
  ), sums AS (
    SELECT user_id, (count(*) FILTER (kind = 'post'))::INT AS posts,
      (count(*) FILTER (kind = 'comment'))::INT AS comments
    FROM counted GROUP BY user_id
  ), accounts AS (
    SELECT fold(user_id) AS user_id, karma, username, epoch_ms(as_of) AS karma_timestamp
    FROM users
    QUALIFY row_number() OVER (
      PARTITION BY fold(user_id)
      ORDER BY as_of DESC, concat('{"karma":', karma, ',"username":', to_json(username), '}') DESC
    ) = 1
  )
  SELECT key AS user_id, name, name_timestamp, coalesce(posts, 0) AS posts, coalesce(comments, 0) AS comments,
    coalesce(subreddits, 0) AS subreddits, coalesce(places, []) AS places,
    coalesce(last_active, -1) AS last_active, coalesce(karma_timestamp, -1) AS karma_timestamp,
    coalesce(karma, 0) AS karma, coalesce(username, '') AS username
  FROM (${LAST_WRITTEN("named_users")}) LEFT JOIN active ON active.user_id = key
    LEFT JOIN sums ON sums.user_id = key LEFT JOIN accounts ON accounts.user_id = key`;

/** The latest version of each post in each subreddit. */
export const LATEST_POSTS = `
  SELECT fold(subreddit) AS subreddit, post_id, title, user_id, score, num_comments,
    epoch_ms(created_utc) AS created_utc, epoch_ms(as_of) AS "timestamp"
  FROM posts
  QUALIFY row_number() OVER (
    PARTITION BY fold(subreddit), post_id
    ORDER BY as_of DESC, concat(
      '{"created_utc":', epoch_ms(created_utc), ',"num_comments":', num_comments,
      ',"post_id":', to_json(post_id), ',"score":', score, ',"subreddit":', to_json(fold(subreddit)),
      ',"timestamp":', epoch_ms(as_of), ',"title":', to_json(title),
      ',"user_id":', to_json(user_id), '}'
    ) DESC
  ) = 1`;

/** The ten best posts of each subreddit, with their place. */
export const TOP_POSTS = `
  WITH latest AS (${LATEST_POSTS})
  SELECT subreddit, post_id,
    (row_number() OVER (
      PARTITION BY subreddit ORDER BY score DESC, created_utc DESC, post_id DESC
    ))::INT AS place
  FROM latest QUALIFY place <= 10`;
