/**
 * Names of documents, and of the keys whose parts are merged, as shown by a verification.
 *
 * @module
 */

import { documentId, type ViewDocument, viewOf, type WindowName } from "@pipeline/core";

/** A document's name among those of all views. */
export function documentName(document: ViewDocument): string {
  return `${viewOf(document)} ${documentId(document)}`;
}

/** The key that a document is a part of. */
export function keyOf(document: ViewDocument): string {
  switch (document.type) {
    case "post":
    case "cut":
      return `top ${document.subreddit}`;
    case "subreddit":
      return `subreddit ${document.subreddit}`;
    case "activity":
      return activityKey(document.window, document.window_start, document.subreddit);
    case "user_window":
      return userWindowKey(document.window, document.window_start, document.user_id);
    case "user_total":
      return userKey(document.user_id);
  }
}

/** The key of a subreddit's activity in one window. */
export function activityKey(window: WindowName, start: number, subreddit: string): string {
  return `activity ${window} ${start} ${subreddit}`;
}

/** The key of a user's activity in one window. */
export function userWindowKey(window: WindowName, start: number, userId: string): string {
  return `user ${window} ${start} ${userId}`;
}

/** The key of a user's totals. */
export function userKey(userId: string): string {
  return `user total ${userId}`;
}
