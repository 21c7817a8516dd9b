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

/** The URL of a request about the datacenter that is shown. */
export function address(path, query = {}) {
  const url = new URL(path, location.origin);
  const { datacenter } = here();
  // What is asked of the agent itself is no matter of a datacenter.
  if (datacenter && !/^\/v1\/(agent|catalog\/datacenters)/.test(path)) url.searchParams.set("dc", datacenter);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

export const patience = 10000; // ms that an answer may take which waits for nothing

/** A fetch that ends when signal says so, or after some time: servers that are stopped refuse nothing. */
async function ask(url, options, signal, within) {
  const both = new AbortController();
  const stop = () => both.abort();
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  let late = false;
  const timer = setTimeout(() => { late = true; stop(); }, within);
  try {
    return await fetch(url, { ...options, signal: both.signal, cache: "no-store" });
  } catch (error) {
    throw late ? new Refused(504, `No answer within ${within / 1000} s: the servers are stopped, overloaded or cut off.`) : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** The response to a request, whatever it is: for what is no JSON, too. */
export function request(method, path, { query = {}, body, signal, within = patience } = /** @type {any} */ ({})) {
  const headers = token() ? { "X-Consul-Token": token() } : {};
  return ask(address(path, query), { method, body, headers }, signal, within);
}

let onHeaders = (/** @type {Headers} */ headers) => {};

/** Has the headers of all answers told, for what they say of the leader. */
export const tellHeaders = (tell) => { onHeaders = tell; };

async function send(method, path, options = /** @type {any} */ ({})) {
  const response = await request(method, path, options);
  const index = Number(response.headers.get("X-Consul-Index")) || undefined;
  onHeaders(response.headers);
  if (!response.ok) {
    const text = await response.text();
    // What does not exist is an answer, not a fault; an unknown path has a text.
    if (response.status === 404 && (index || !text)) return { data: null, index };
    throw new Refused(response.status, text);
  }
  const text = await response.text();
  try { return { data: JSON.parse(text), index }; } catch { return { data: text, index }; }
}

/** Asks once. Data is null for what does not exist. */
export const get = (path, options) => send("GET", path, options);
export const put = (path, options) => send("PUT", path, options);
export const post = (path, options) => send("POST", path, options);
export const remove = (path, options) => send("DELETE", path, options);

/** The path of a key. */
export const keyPath = (key) => "/v1/kv/" + encodeURIComponent(key);

/** Waits, but not past an abort or one of some events on the document. */
export const pause = (ms, signal, ...events) =>
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

/** Asks once, and again when one of deps changes; undefined without an answer. */
export function useOnce(path, deps = [], query = {}) {
  const [data, setData] = useState(undefined);
  useEffect(() => {
    if (!path) return undefined;
    const stop = new AbortController();
    get(path, { query, signal: stop.signal }).then((answer) => setData(answer.data), () => {});
    return () => stop.abort();
  }, [path, ...deps]);
  return data;
}

let withoutRules = false; // access rules are off: everybody may do everything
const rights = new Map(); // answers by datacenter and question; a token is for the life of the page

/**
 * Whether the caller's token may do things, each "resource:access" or
 * "resource:access:name"; nothing is allowed until that is known.
 */
export const useMay = (...wants) => useRights(wants).map((may) => may === true);

/** Whether it is known that the caller's token may not do a thing. */
export const useMayNot = (want) => useRights([want])[0] === false;

/** What is known of rights: true, false, or undefined. */
function useRights(wants) {
  const { datacenter } = here();
  const known = (want) => (withoutRules ? true : rights.get(datacenter + "\n" + want));
  const key = [datacenter, ...wants].join("\n");
  const [, redraw] = useState(0);
  useEffect(() => {
    const open = wants.filter((w) => known(w) === undefined);
    if (!open.length) return;
    const learn = (want, may) => rights.set(datacenter + "\n" + want, may);
    const body = JSON.stringify(open.map((w) => {
      const [Resource, Access, ...name] = w.split(":");
      return { Resource, Access, Segment: name.join(":") };
    }));
    post("/v1/internal/acl/authorize", { body }).then(
      ({ data }) => data.forEach((answer, i) => learn(open[i], answer.Allow)),
      (error) => { withoutRules ||= error.status === 401; },
    ).then(() => redraw((n) => n + 1));
  }, [key]);
  return wants.map(known);
}
