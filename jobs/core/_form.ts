/**
 * The canonical form of each kind of record: its members in order, with the literal text between
 * their values. The scanner and the encoder share it.
 *
 * @module
 */

const encoder = new TextEncoder();

/** Literals of a post. */
export const POST = {
  content: encoder.encode('{"content":"'),
  created: encoder.encode('","created_utc":"'),
  comments: encoder.encode('","num_comments":'),
  id: encoder.encode(',"post_id":"'),
  retrieved: encoder.encode('","retrieved_utc":"'),
  score: encoder.encode('","score":'),
  subreddit: encoder.encode(',"subreddit":"'),
  timestamp: encoder.encode('","timestamp":"'),
  title: encoder.encode('","title":"'),
  user: encoder.encode('","user_id":"'),
} as const;

/** Literals of a comment; `timestampNext` follows the score if there is no subreddit. */
export const COMMENT = {
  id: encoder.encode('{"comment_id":"'),
  content: encoder.encode('","content":"'),
  created: encoder.encode('","created_utc":"'),
  post: encoder.encode('","post_id":"'),
  retrieved: encoder.encode('","retrieved_utc":"'),
  score: encoder.encode('","score":'),
  subreddit: encoder.encode(',"subreddit":"'),
  timestamp: encoder.encode('","timestamp":"'),
  timestampNext: encoder.encode(',"timestamp":"'),
  user: encoder.encode('","user_id":"'),
} as const;

/** Literals of a user; `timestampNext` follows the karma if there is no time of retrieval. */
export const USER = {
  created: encoder.encode('{"created_utc":"'),
  karma: encoder.encode('","karma":'),
  retrieved: encoder.encode(',"retrieved_utc":"'),
  timestamp: encoder.encode('","timestamp":"'),
  timestampNext: encoder.encode(',"timestamp":"'),
  user: encoder.encode('","user_id":"'),
  username: encoder.encode('","username":"'),
} as const;

/** End of a record of any kind: each ends with a text. */
export const END = encoder.encode('"}');

/** 1 for the bytes that stand for themselves in JSON text: ASCII but controls, `"` and `\`. */
export const PLAIN = new Uint8Array(256);
PLAIN.fill(1, 0x20, 0x80);
PLAIN[0x22] = PLAIN[0x5c] = 0;
