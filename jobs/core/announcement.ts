/**
 * An announcement, as states keep it.
 *
 * @module
 */

/**
 * An announcement as it was counted. `subreddit` is absent where nobody knew it. Names are the keys that
 * they are compared by.
 */
export interface Announcement {
  /** What is announced. */
  readonly kind: "post" | "comment";
  /** Of the post or comment. */
  readonly id: string;
  /** Milliseconds; decides the windows. Part of the identity. */
  readonly created_utc: number;
  /** The author who is counted. */
  readonly user_id: string;
  /** The subreddit that is counted. */
  readonly subreddit?: string;
  /** The comment's post, through which batch finds the subreddit. */
  readonly post_id?: string;
}
