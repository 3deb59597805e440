/**
 * An announcement, as states store it.
 *
 * @module
 */

/**
 * An announcement as it was counted. `subreddit` is absent if it is unknown. Names are stored as
 * their keys.
 */
export interface Announcement {
  /** What is announced. */
  readonly kind: "post" | "comment";
  /** Id of the post or comment. */
  readonly id: string;
  /** Milliseconds; determines the windows. Part of the identity. */
  readonly created_utc: number;
  /** The author who is counted. */
  readonly user_id: string;
  /** The subreddit that is counted. */
  readonly subreddit?: string;
  /** The comment's post, through which batch finds the subreddit. */
  readonly post_id?: string;
}
