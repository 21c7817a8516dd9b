// News: one stream from the agent tells a page of all that it shows. Where none comes
// through, as by a proxy that buffers, each is asked for with requests that wait.
import { useEffect, useState } from "./vendor/htm-preact.js";
import { address, get, patience, pause, Refused, tellHeaders, token } from "./api.js";
import { here } from "./router.js";

/** A topic's name: its address. Any server may answer, so that people see what there is while there is no leader. */
function nameOf(path, query) {
  const at = address(path, { ...query, stale: "" });
  return at.pathname + at.search;
}

// What is looked at, by name: who listens, and the version of what was said last.
const topics = new Map();

/**
 * Calls onData now and after each change, onError(error, milliseconds until the next
 * try, 0 if that is soon) when there is no answer. Rests while nobody looks at the
 * page. Returns a function that stops it. Every is how often to ask where no stream
 * comes through and the path has no index.
 */
export function follow(path, query, onData, onError, every = 5 * minInterval) {
  const name = nameOf(path, query);
  let topic = topics.get(name);
  if (!topic) {
    topics.set(name, topic = { name, path, query: { ...query, stale: "" }, every, version: "", said: null, alone: false, listeners: new Set() });
    rearrange();
  }
  const listener = { onData, onError };
  topic.listeners.add(listener);
  topic.said?.(listener);
  return () => {
    topic.listeners.delete(listener);
    if (topic.listeners.size || topics.get(name) !== topic) return;
    topics.delete(name);
    rearrange();
  };
}

/** Says something to all who listen to a topic, and to those who will. */
function say(topic, what) {
  topic.said = what;
  topic.listeners.forEach(what);
}

let running = new AbortController();
let rearranging = 0;

/** Begins anew with what is looked at now; several changes of a moment are one. */
function rearrange(after = 5) {
  clearTimeout(rearranging);
  rearranging = setTimeout(() => {
    running.abort();
    running = new AbortController();
    run(running.signal);
  }, after);
}

/** Tries again at once. */
export const retry = () => { failures = 0; rearrange(0); };

// A page that is left gives its connection back, of which a browser has six for a
// host. It starts anew if it is returned to.
addEventListener("pagehide", () => running.abort());
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

const forever = 2 ** 31 - 1;
const longest = 330000; // ms that a request may take which waits for 5 minutes, and a sixteenth more
const minInterval = 1000; // ms between requests for the same, however busy the cluster
const minRetry = 1000, maxRetry = 30000; // ms
const firstWithin = 5000; // ms for a stream's first sign of life: one that comes later is kept back somewhere
const silence = 7000; // ms without one, of three that should have come: the agent is stopped or cut off
const withoutFor = 60000; // ms to go without a stream before it is tried again

/** How long to wait after the n-th failure in a row: twice as long each time, scattered. */
const backoff = (n) => Math.min(maxRetry, minRetry * 2 ** Math.min(n - 1, 5)) * (0.75 + Math.random() / 2);

let failures = 0; // in a row
let proven = false; // streams come through to this page
let without = 0; // the time until which it goes without one

async function run(signal) {
  for (const topic of topics.values()) if (topic.alone) poll(topic, signal);
  while (!signal.aborted && topics.size) {
    if (document.hidden) {
      await pause(forever, signal, "visibilitychange");
      continue;
    }
    if (Date.now() < without) {
      connected("asking");
      for (const topic of topics.values()) if (!topic.alone) poll(topic, signal);
      await pause(without - Date.now(), signal);
      if (!signal.aborted) rearrange(0);
      return;
    }
    const begun = Date.now();
    const error = await listen(signal);
    if (signal.aborted || document.hidden) continue;
    if (error instanceof Refused && error.status !== 403) { // by the agent, or on the way; not for the token
      without = Date.now() + withoutFor;
      continue;
    }
    if (!failures++ && Date.now() - begun > silence) continue; // it lived: whoever is between may end what lasts long
    const wait = error.status === 403 ? maxRetry : backoff(failures);
    connected("reconnecting");
    trouble("", { error, next: Date.now() + wait });
    await pause(wait, signal, "visibilitychange");
  }
}

/** Hears a stream to its end, and returns why it ended. */
async function listen(signal) {
  const list = [...topics.values()].filter((t) => !t.alone);
  const url = new URL("/v1/internal/ui/stream", location.origin);
  for (const topic of list) url.searchParams.append("topic", topic.name);
  const stop = new AbortController(), end = () => stop.abort();
  const hide = () => { if (document.hidden) end(); };
  signal.addEventListener("abort", end);
  document.addEventListener("visibilitychange", hide);
  let late = false, timer = 0;
  const within = (ms) => { clearTimeout(timer); timer = setTimeout(() => { late = true; end(); }, ms); };
  try {
    within(firstWithin);
    const response = await fetch(url, { signal: stop.signal, cache: "no-store",
      headers: { "Last-Event-ID": list.map((t) => t.version).join(","), ...(token() && { "X-Consul-Token": token() }) } });
    readHeaders(response.headers);
    if (!response.ok) return new Refused(response.status, await response.text());
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader(), decoder = new TextDecoder();
    let text = "";
    for (let first = true; ; first = false) {
      const { value, done } = await reader.read();
      if (done) return new Error("The stream ended.");
      within(silence);
      if (first) began(list);
      alive();
      const from = Math.max(0, text.length - 1);
      text += decoder.decode(value, { stream: true });
      for (let at = text.indexOf("\n\n", from); at >= 0; at = text.indexOf("\n\n")) {
        const over = take(list, text.slice(0, at));
        if (over) return over;
        text = text.slice(at + 2);
      }
    }
  } catch (error) {
    if (late && !proven) return new Refused(504, "No stream comes through.");
    return error;
  } finally {
    clearTimeout(timer);
    end();
    signal.removeEventListener("abort", end);
    document.removeEventListener("visibilitychange", hide);
  }
}

/** A stream has begun: what cannot be said it will say. */
function began(list) {
  failures = 0;
  proven = true;
  trouble("", null);
  list.forEach((t) => trouble(t.name, null));
  connected("live");
}

/** Takes an event; returns an error if it is the last. */
function take(list, event) {
  let id = "", kind = "";
  const data = [];
  for (const line of event.split("\n")) {
    if (line.startsWith("data: ")) data.push(line.slice(6));
    else if (line.startsWith("id: ")) id = line.slice(4);
    else if (line.startsWith("event: ")) kind = line.slice(7);
  }
  if (!data.length) return null;
  const head = JSON.parse(data[0]);
  if (kind === "end") return new Refused(head.status, head.text);
  const topic = list[head.topic];
  topic.version = id.split(",")[head.topic];
  if (head.silent) leaderless(head.silent);
  if (head.status === 200 || (head.status === 404 && !head.text)) {
    const value = data[1] ? JSON.parse(data[1]) : null;
    say(topic, (listener) => listener.onData(value));
  } else if (head.status === 413) { // too long for a stream
    topic.alone = true;
    rearrange();
  } else {
    const error = new Refused(head.status, head.text);
    say(topic, (listener) => listener.onError(error, 0));
  }
  return null;
}

/** Follows a topic by itself, with requests that wait. */
async function poll(topic, signal) {
  const { path, query, every } = topic;
  let index, failed = 0;
  while (!signal.aborted) {
    if (document.hidden) {
      await pause(forever, signal, "visibilitychange");
      continue;
    }
    const begun = Date.now();
    try {
      const answer = await unlessHidden(signal, (s) => get(path, {
        query: { ...query, ...(index && { index, wait: "5m" }) }, signal: s, within: index ? longest : patience,
      }));
      if (!answer) continue;
      alive();
      const changed = failed > 0 || !index || answer.index !== index;
      // An index that goes backwards means that the state was restored: begin anew.
      index = index && answer.index && answer.index < index ? undefined : answer.index;
      failed = 0;
      if (changed && !signal.aborted) say(topic, (listener) => listener.onData(answer.data));
      await pause(index ? minInterval - (Date.now() - begun) : every, signal);
    } catch (error) {
      if (signal.aborted) return;
      index = undefined;
      const wait = backoff(++failed);
      say(topic, (listener) => listener.onError(error, wait));
      await pause(wait, signal, "visibilitychange");
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

const watchers = new Set();
const tell = () => watchers.forEach((redraw) => redraw());

/** A value that is kept up to date for as long as the component lives. */
function useWatched(value) {
  const [state, setState] = useState(value);
  useEffect(() => {
    const redraw = () => setState(value());
    watchers.add(redraw);
    redraw();
    return () => watchers.delete(redraw);
  }, []);
  return state;
}

// What cannot be asked at the moment, by topic, for the notice above the page; "" is the
// stream itself.
const troubles = new Map();

function trouble(name, what) {
  if (what) troubles.set(name, { ...what, since: troubles.get(name)?.since ?? Date.now() });
  else if (!troubles.delete(name)) return;
  tell();
}

/** The latest trouble, null if all is well. */
export const useTrouble = () => useWatched(() => troubles.get("") ?? [...troubles.values()].at(-1) ?? null);

// How news comes: "connecting", "live", "reconnecting" or "asking", and when the agent
// was heard last.
let connection = { state: "connecting", since: 0 };
let heardAt = 0;

function connected(state) {
  if (state === connection.state) return;
  connection = { state, since: heardAt };
  tell();
}

/** Notes a sign of life. */
function alive() {
  heardAt = Date.now();
  if (leading.since && !leading.lost && !leading.silent) leading.since = heardAt;
}

export const useConnection = () => useWatched(() => connection);

const kept = new Map(); // last answers by path, so that who goes back sees at once what was there
const keptMost = 12;

function keep(key, data) {
  kept.delete(key);
  kept.set(key, data);
  if (kept.size > keptMost) kept.delete(kept.keys().next().value);
}

/**
 * Follows a path for as long as the component lives: undefined until there is an
 * answer, null for what does not exist. What was there stays while there is trouble.
 * Path "" follows nothing.
 */
export function useLive(path, query = {}, every = undefined) {
  const key = path && nameOf(path, query);
  const [state, setState] = useState({ key: "", data: undefined });
  useEffect(() => {
    if (!path) return undefined;
    const stop = follow(path, query,
      (data) => { trouble(key, null); keep(key, data); setState({ key, data }); },
      (error, wait) => trouble(key, { error, next: wait && Date.now() + wait }), every);
    return () => { stop(); trouble(key, null); };
  }, [key]);
  return state.key === key ? state.data : kept.get(key);
}

// Whether there is a leader, and the time of the last state that is sure.
let leading = { lost: false, silent: false, since: 0 };
let quiet = 0; // the time of what a server without a leader answered

function lead(lost, silent) {
  const well = !lost && !silent;
  const since = well ? Date.now() : leading.since || quiet;
  const same = lost === leading.lost && silent === leading.silent && (well || since === leading.since);
  leading = { lost, silent, since };
  if (!same) tell();
}

/** Takes from an answer that its server heard of a leader so many ms ago. */
function leaderless(ms) {
  quiet = Date.now() - ms;
  if (leading.lost && !leading.since) lead(true, false);
}

let denying = false; // who has no token may do nothing but what access rules give everybody

function readHeaders(headers) {
  const denies = headers.get("X-Consul-Default-Acl-Policy") === "deny";
  if (denies !== denying) { denying = denies; tell(); }
  if (headers.get("X-Consul-KnownLeader") === "false") leaderless(Number(headers.get("X-Consul-LastContact")) || 0);
}
tellHeaders(readHeaders);

/** Whether the agent denies what no rule allows. */
export const useDenying = () => useWatched(() => denying);

const leaderEvery = 3000; // ms, where no stream comes through

/** What is known of the leader: lost and silent say what is wrong, since is the time of the last state that is sure. */
export function useLeader() {
  useEffect(() => follow("/v1/status/leader", {},
    (address) => lead(!address, false),
    (error) => { if (error.status >= 500) lead(error.status !== 504, error.status === 504); }, leaderEvery), [here().datacenter]);
  return useWatched(() => leading);
}
