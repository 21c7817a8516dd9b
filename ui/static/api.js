// The HTTP API as the pages use it.

/** Fetches JSON. Throws an Error with the server's text if it refuses. */
export async function get(path, { index, signal } = {}) {
  const url = new URL(path, location.origin);
  if (index) {
    url.searchParams.set("index", index);
    url.searchParams.set("wait", "60s");
  }
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error((await response.text()) || response.statusText);
  return { data: await response.json(), index: response.headers.get("X-Consul-Index") };
}

// Requests that wait hold connections, of which a browser has six for a host. A
// page that is left gives them back, and starts anew if it is returned to.
const waiting = new Set();
addEventListener("pagehide", () => waiting.forEach((stop) => stop.abort()));
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

const pause = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });

/**
 * Follows a path with blocking queries: calls onData now and after each change,
 * onError when the agent cannot be asked. Returns a function that stops it.
 */
export function follow(path, onData, onError) {
  const stop = new AbortController();
  waiting.add(stop);
  (async () => {
    let index;
    while (!stop.signal.aborted) {
      try {
        const answer = await get(path, { index, signal: stop.signal });
        // An index that goes backwards means the state was restored: begin anew.
        index = index && Number(answer.index) < Number(index) ? undefined : answer.index;
        onData(answer.data);
      } catch (error) {
        if (stop.signal.aborted) return;
        onError(error);
        index = undefined;
        await pause(2000, stop.signal);
      }
    }
  })();
  return () => { waiting.delete(stop); stop.abort(); };
}
