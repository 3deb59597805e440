/**
 * Follows the server-sent events, and reconnects after any failure.
 *
 * @module
 */

/** Milliseconds without an event after which the connection counts as dead. */
const SILENCE = 15_000;

/** Milliseconds until the next attempt after the browser has given up. */
const RETRY = 3000;

/** Follows a stream: calls `on.summary`, `on.problem` and `on.connection` (true or false). */
export function follow(url, on) {
  let source;
  let silence;

  const connect = () => {
    source?.close();
    source = new EventSource(url);
    source.addEventListener("summary", (event) => {
      heard();
      on.summary(JSON.parse(event.data));
    });
    source.addEventListener("problem", (event) => {
      heard();
      on.problem(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      on.connection(false);
      // After a refusal the browser does not reconnect by itself.
      if (source.readyState === EventSource.CLOSED) wait(RETRY);
    });
    wait(SILENCE);
  };
  const heard = () => {
    on.connection(true);
    wait(SILENCE);
  };
  const wait = (time) => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      on.connection(false);
      connect();
    }, time);
  };
  connect();
}
