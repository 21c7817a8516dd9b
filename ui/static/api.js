// The HTTP API as the pages use it.
import { useEffect, useState } from "./vendor/htm-preact.js";
import { here } from "./router.js";

/** An answer that says no: the server's text, and its status. */
export class Refused extends Error {
  constructor(status, text) {
    super(text.trim() || `status ${status}`);
    this.status = status;
  }
}

const tokenKey = "praetor-token";

/** The access token of this tab; it is forgotten with the tab. */
export const token = () => sessionStorage.getItem(tokenKey) ?? "";

/** Keeps a token and asks everything again with it. */
export function setToken(secret) {
  if (secret) sessionStorage.setItem(tokenKey, secret);
  else sessionStorage.removeItem(tokenKey);
  location.reload();
}

async function send(method, path, { query = {}, body, signal } = {}) {
  const url = new URL(path, location.origin);
  const { datacenter } = here();
  if (datacenter) url.searchParams.set("dc", datacenter);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const headers = token() ? { "X-Consul-Token": token() } : {};
  const response = await fetch(url, { method, body, signal, headers, cache: "no-store" });
  const index = Number(response.headers.get("X-Consul-Index")) || undefined;
  // What does not exist is an answer, not a fault, where the API says as of when.
  if (response.status === 404 && index) return { data: null, index };
  if (!response.ok) throw new Refused(response.status, await response.text());
  return { data: await response.json(), index };
}

/** Asks once. Data is null for what does not exist. */
export const get = (path, options) => send("GET", path, options);
export const put = (path, options) => send("PUT", path, options);
export const remove = (path, options) => send("DELETE", path, options);

/** The path of a key. */
export const keyPath = (key) => "/v1/kv/" + encodeURIComponent(key);

// Requests that wait hold connections, of which a browser has six for a host. A
// page that is left gives them back, and starts anew if it is returned to.
const waiting = new Set();
addEventListener("pagehide", () => waiting.forEach((stop) => stop.abort()));
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

/** Waits, but not past an abort or one of some events on the document. */
const pause = (ms, signal, ...events) =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      for (const name of events) document.removeEventListener(name, done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    for (const name of events) document.addEventListener(name, done);
    if (signal.aborted) done();
  });

const forever = 2 ** 31 - 1;
const retryNow = "praetor-retry";

/** Has all that wait after a failure try again at once. */
export const retry = () => document.dispatchEvent(new Event(retryNow));

const minInterval = 1000; // ms between updates of a page, however busy the cluster
const minRetry = 1000, maxRetry = 30000; // ms

/** How long to wait after the n-th failure in a row: twice as long each time, scattered. */
const backoff = (failures) => Math.min(maxRetry, minRetry * 2 ** Math.min(failures - 1, 5)) * (0.75 + Math.random() / 2);

/**
 * Follows a path with blocking queries: calls onData now and after each change,
 * onError(error, milliseconds until the next try) when there is no answer. It
 * rests while nobody looks at the page. Returns a function that stops it.
 */
export function follow(path, query, onData, onError) {
  const stop = new AbortController();
  waiting.add(stop);
  run(path, query, stop.signal, onData, onError);
  return () => { waiting.delete(stop); stop.abort(); };
}

async function run(path, query, signal, onData, onError) {
  let index, failures = 0;
  while (!signal.aborted) {
    if (document.hidden) {
      await pause(forever, signal, "visibilitychange");
      continue;
    }
    const begun = Date.now();
    try {
      const answer = await unlessHidden(signal, (s) => get(path, { query: index ? { ...query, index, wait: "5m" } : query, signal: s }));
      if (!answer) continue;
      const changed = failures > 0 || !index || answer.index !== index;
      // An index that goes backwards means that the state was restored: begin anew.
      index = answer.index < index ? undefined : answer.index;
      failures = 0;
      if (changed && !signal.aborted) onData(answer.data);
      await pause(index ? minInterval - (Date.now() - begun) : 5 * minInterval, signal);
    } catch (error) {
      if (signal.aborted) return;
      index = undefined;
      const wait = backoff(++failures);
      onError(error, wait);
      await pause(wait, signal, "visibilitychange", retryNow);
    }
  }
}

/** Runs a request that ends when the page is hidden; undefined if it was. */
async function unlessHidden(signal, request) {
  const both = new AbortController();
  const stop = () => both.abort();
  const hide = () => { if (document.hidden) stop(); };
  signal.addEventListener("abort", stop);
  document.addEventListener("visibilitychange", hide);
  try {
    return await request(both.signal);
  } catch (error) {
    if (both.signal.aborted && !signal.aborted) return undefined;
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    document.removeEventListener("visibilitychange", hide);
  }
}

// What cannot be asked at the moment, by path, for the notice above the page.
const troubles = new Map();
const watchers = new Set();

function trouble(path, what) {
  if (what ? false : !troubles.has(path)) return;
  if (what) troubles.set(path, what);
  else troubles.delete(path);
  watchers.forEach((tell) => tell());
}

/** The latest trouble, null if all is well. */
export function useTrouble() {
  const latest = () => [...troubles.values()].at(-1) ?? null;
  const [state, setState] = useState(latest);
  useEffect(() => {
    const tell = () => setState(latest());
    watchers.add(tell);
    return () => watchers.delete(tell);
  }, []);
  return state;
}

/**
 * Follows a path for as long as the component lives: undefined until there is an
 * answer, null for what does not exist. What was there stays while there is trouble.
 */
export function useLive(path, query = {}) {
  const [data, setData] = useState(undefined);
  const key = path + "?" + new URLSearchParams(query);
  useEffect(() => {
    setData(undefined);
    const stop = follow(path, query,
      (fresh) => { trouble(key, null); setData(fresh); },
      (error, wait) => trouble(key, { error, next: Date.now() + wait }));
    return () => { stop(); trouble(key, null); };
  }, [key]);
  return data;
}

/** Asks once, and again when one of deps changes; undefined without an answer. */
export function useOnce(path, deps = []) {
  const [data, setData] = useState(undefined);
  useEffect(() => {
    const stop = new AbortController();
    get(path, { signal: stop.signal }).then((answer) => setData(answer.data), () => {});
    return () => stop.abort();
  }, [path, ...deps]);
  return data;
}
