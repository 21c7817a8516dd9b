// What happened to a service in the last hour, and what a key was before: asked for when it is opened.
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { get, keyPath, put, remove, useMay } from "./api.js";
import { Confirm, Dot, Fold, Loading, praetor, Same } from "./parts.js";

const hour = 3600e3; // ms
const most = 100; // rows
const shown = 60; // characters of a value in a line

/** The rows of a history, asked for again when one of deps changes; and why there are none. */
function useHistory(path, query, deps) {
  const [answer, setAnswer] = useState(/** @type {any} */ ({}));
  useEffect(() => {
    const stop = new AbortController();
    get(path, { query, signal: stop.signal }).then(({ data }) => setAnswer({ rows: data ?? [] }), (error) => { if (!stop.signal.aborted) setAnswer({ error }); });
    return () => stop.abort();
  }, [path, ...deps]);
  return answer;
}

const when = (change) => (change.Time ? html`<time datetime=${change.Time} title=${change.Time}>${new Date(change.Time).toLocaleTimeString()}</time>` : "before");

/** Who did something: the agent that was asked, and whose token it was, as far as one may know. */
const By = ({ change: c }) => (c.Agent || c.AccessorID) && html`<span class="muted"> ${c.Agent && `through ${c.Agent}`} ${c.AccessorID && html`with <code>${c.AccessorID}</code>`}</span>`;

const statusOf = (c) => (c.Event === "deregistered" ? "critical" : c.To || "passing");

/** What one change was, in words. */
function What({ change: c }) {
  if (c.Kind === "check") {
    const name = html`check <b>${c.CheckName || c.CheckID}</b> of ${c.ServiceID || c.Node} on ${c.Node}`;
    if (c.Event === "deregistered") return html`${name} is gone`;
    return html`${name} ${c.From ? html`went from ${c.From} to` : "began as"} ${c.To}${c.Output && html`: <q>${c.Output.trim().split("\n").at(-1)}</q>`}`;
  }
  if (c.Kind === "leader") return html`<b>${c.Node}</b> leads the servers`;
  if (c.Kind === "snapshot") return html`a snapshot was restored: the history begins here`;
  return html`${c.Kind} <b>${c.ServiceID || c.Node}</b> ${c.ServiceID && `on ${c.Node}`} was ${c.Event} ${c.Address}`;
}

/** The last hour as a line, a mark for each change. */
function Lane({ rows }) {
  const now = Date.now();
  return html`<svg class="lane" viewBox="0 0 3600 100" preserveAspectRatio="none" role="img" aria-label=${`${rows.length} changes in the last hour`}>
    ${rows.map((c) => html`<rect class=${statusOf(c)} x=${3590 - Math.min(3590, (now - Date.parse(c.Time)) / 1000)} y="0" width="10" height="100" />`)}</svg>`;
}

const changesPath = "/v1/catalog/history";

/** The last hour of a service, with new leaders among it. */
export const ServiceHistory = ({ name, data }) => html`<${Fold} name="History of the last hour"><${ServiceChanges} name=${name} data=${data} /></>`;

function ServiceChanges({ name, data }) {
  const own = useHistory(changesPath, { service: name, since: "1h", limit: String(most) }, [data]);
  const leaders = useHistory(changesPath, { kind: "leader", since: "1h", limit: String(most) }, [data]);
  if (own.error) return html`<p class="muted">${own.error.message}</p>`;
  if (!own.rows) return html`<${Loading} />`;
  const rows = [...own.rows, ...(leaders.rows ?? [])].filter((c) => !c.Time || Date.now() - Date.parse(c.Time) <= hour).sort((a, b) => b.Index - a.Index);
  return html`${rows.length ? html`<${Lane} rows=${rows.filter((c) => c.Time)} />
      <ol class="history">${rows.map((c) => html`<li key=${c.Index + c.Kind + c.CheckID + c.ServiceID + c.Node}><${Dot} status=${statusOf(c)} /> ${when(c)} <${What} change=${c} /><${By} change=${c} /></li>`)}</ol>`
    : html`<p class="muted">Nothing happened to it.</p>`}
    <${Same} of=${[{ path: changesPath, query: { service: name, since: "1h" }, cli: ["catalog", "history", "-service=" + name, "-since=1h"] }]} />`;
}

const recent = { since: "15m", limit: "10" };
const restFor = 5000; // ms between two questions at least

/** What changed in the last minutes, asked for again as deps change. */
export function RecentChanges({ deps }) {
  const asked = useRef(0);
  const [beat, setBeat] = useState(0);
  useEffect(() => {
    const timer = setTimeout(() => { asked.current = Date.now(); setBeat((n) => n + 1); }, Math.max(0, asked.current + restFor - Date.now()));
    return () => clearTimeout(timer);
  }, deps);
  const { rows, error } = useHistory(changesPath, recent, [beat]);
  if (!rows && !error) return null;
  return html`<section id="recent"><h2>Changed in the last 15 minutes</h2>
    ${error ? html`<p class="muted">${error.message}</p>` : !rows.length ? html`<p class="muted">Nothing.</p>`
      : html`<ol class="history">${rows.map((c) => html`<li key=${c.Index + c.Kind + c.CheckID + c.ServiceID + c.Node}><${Dot} status=${statusOf(c)} /> ${when(c)} <${What} change=${c} /><${By} change=${c} /></li>`)}</ol>`}
    ${rows?.length === Number(recent.limit) && html`<p class="muted">The latest ${recent.limit}; the rest is in <code>${praetor("catalog", "history", "-since=15m")}</code></p>`}</section>`;
}

const bytesOf = (entry) => Uint8Array.from(atob(entry.Value ?? ""), (c) => c.charCodeAt(0));

/** A value in a line. */
function text(entry) {
  if (!entry) return html`<i>not there</i>`;
  const bytes = bytesOf(entry);
  let value = "";
  try { value = new TextDecoder("utf-8", { fatal: true }).decode(bytes); } catch { return `${bytes.length} bytes`; }
  return html`<q>${value.length > shown ? value.slice(0, shown) + "…" : value}</q>`;
}

const same = (a, b) => (a && b ? a.Value === b.Value && a.Flags === b.Flags : !a && !b);

/** What a key was, who changed it, and a way back. latest is its entry, null if it is not there. */
export const KeyHistory = ({ name, latest }) => html`<${Fold} name="History"><${KeyChanges} name=${name} latest=${latest} /></>`;

function KeyChanges({ name, latest }) {
  const query = { history: "", limit: String(most) };
  const { rows, error } = useHistory(keyPath(name), query, [latest?.ModifyIndex]);
  const [mayWrite] = useMay("key:write:" + name);
  const [back, setBack] = useState(null);
  if (error) return html`<p class="muted">${error.message}</p>`;
  if (!rows) return html`<${Loading} />`;
  const last = rows.find((c) => !same(c.Before, c.After)); // the others are about locks
  return html`${rows.length ? html`<ol class="history">${rows.map((c, at) => html`<li key=${c.Index + "." + at}>${when(c)} ${c.Op} ${text(c.After)}<${By} change=${c} /></li>`)}</ol>`
      : html`<p class="muted">No change of it is remembered.</p>`}
    ${mayWrite && last && html`<p class="buttons"><button type="button" id="undo" onClick=${() => setBack(last)}>Undo the last change …</button></p>`}
    <${Same} of=${[{ path: keyPath(name), query, cli: ["kv", "history", name] }]} />
    ${back && html`<${Undo} name=${name} change=${back} now=${rows[0].After} onClose=${() => setBack(null)} />`}`;
}

/** Gives a key the value back that it had before a change, unless somebody changes it meanwhile. */
function Undo({ name, change, now, onClose }) {
  const { Before: before } = change;
  const run = async () => {
    const cas = String(now?.ModifyIndex ?? 0);
    const { data: done } = before ? await put(keyPath(name), { query: { cas, flags: String(before.Flags) }, body: bytesOf(before) })
      : await remove(keyPath(name), { query: { cas } });
    if (!done) throw new Error("Not done: somebody else changed this key meanwhile. Close this and look at it again.");
    return `${name} is what it was before index ${change.Index}.`;
  };
  return html`<${Confirm} title=${`Undo the last change of ${name}?`} verb="Undo" danger=${!before} run=${run} onClose=${onClose} lines=${[praetor("kv", "undo", name)]}>
    <p>${before ? html`It will be ${text(before)} again` : "It was not there before, and will be deleted"}. That is a change like others, and can be undone as well.</p></>`;
}
