// Pieces that all pages are made of.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/htm-preact.js";
import { address, token } from "./api.js";
import { byHealth, since, states, worst } from "./health.js";
import { useTrouble } from "./live.js";
import { here } from "./router.js";

export const Dot = ({ status }) => html`<span class=${"dot " + status} role="img" aria-label=${status} title=${status}></span>`;

/** Tags, so many at most; the rest is a number that tells them. */
export function Tags({ tags, most = 8 }) {
  const all = tags ?? [];
  const rest = all.slice(most);
  return html`<span class="tags">${all.slice(0, most).map((t) => html`<span class="tag">${t}</span>`)}
    ${rest.length > 0 && html`<span class="tag more" title=${rest.join(", ")}>+${rest.length}</span>`}</span>`;
}

/** How many passing, warning, critical: a bar and words. */
export function Health({ count, none = "none" }) {
  const total = states.reduce((sum, s) => sum + count[s], 0);
  if (!total) return html`<span class="health muted">${none}</span>`;
  let x = 0;
  const parts = ["passing", "warning", "critical"].filter((s) => count[s] > 0);
  return html`<span class="health">
    <svg class="bar" viewBox=${`0 0 ${total} 1`} preserveAspectRatio="none" aria-hidden="true">
      ${parts.map((s) => { x += count[s]; return html`<rect class=${s} x=${x - count[s]} y="0" width=${count[s]} height="1" />`; })}</svg>
    ${[...parts].reverse().map((s) => html`<span class=${"count " + s}>${count[s]} ${s}</span>`)}</span>`;
}

/** A search box; the slash key goes there (keys.js). */
export const Search = ({ value, onInput, placeholder }) => html`<input class="search" type="search" placeholder=${placeholder} title="The / key brings you here"
  value=${value} spellcheck=${false} aria-label=${placeholder} onInput=${(e) => onInput(e.target.value)} />`;

/** Buttons that choose one status, or all. */
export function StatusFilter({ value, onChange, count }) {
  const total = states.reduce((sum, s) => sum + count[s], 0);
  const button = (id, text, n) => html`<button type="button" class=${"chip " + id} aria-pressed=${value === id ? "true" : "false"}
    onClick=${() => onChange(value === id ? "" : id)}>${text} <b>${n}</b></button>`;
  return html`<div class="chips" role="group" aria-label="Filter by status">
    ${button("", "All", total)}${states.map((s) => button(s, s[0].toUpperCase() + s.slice(1), count[s]))}</div>`;
}

/** What stands where an answer will be; where none comes, why. */
export function Loading() {
  const trouble = useTrouble();
  if (!trouble) return html`<p class="empty" role="status">Loading …</p>`;
  return html`<${Empty} title="Nothing to show yet"><p>${trouble.error.message}</p><p>The page fills by itself as soon as there is an answer.</p></>`;
}

/** What stands where a list would be: why there is nothing, and what to do. */
export const Empty = ({ title, children }) => html`<div class="empty"><h2>${title}</h2>${children}</div>`;

/** A command to try. */
export const Command = ({ children }) => html`<pre class="command"><code>${children}</code></pre>`;

const margin = 600; // pixels above and below what is seen that are drawn as well

/**
 * The part of a long list that is near what is seen, of rows whose heights are
 * measured as they come. Returns that part with the index of its first row, the
 * pixels that stand for what is before and after it, and where to put the box's ref.
 */
export function useWindow(list, keyOf, guess) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const heights = useRef(new Map());
  const [[first, end], setRange] = useState([0, 50]);
  const [version, measured] = useState(0);
  const tops = useMemo(() => {
    let sum = 0;
    for (const h of heights.current.values()) sum += h;
    const usual = heights.current.size ? sum / heights.current.size : guess;
    const all = new Float64Array(list.length + 1);
    list.forEach((item, i) => { all[i + 1] = all[i] + (heights.current.get(keyOf(item)) ?? usual); });
    return all;
  }, [list, version]);
  const look = () => {
    if (!box.current) return;
    const from = -box.current.getBoundingClientRect().top - margin, to = from + innerHeight + 2 * margin;
    let low = 0;
    while (low < list.length - 1 && tops[low + 1] < from) low++;
    let high = low;
    while (high < list.length && tops[high] < to) high++;
    setRange((old) => (old[0] === low && old[1] === high ? old : [low, high]));
  };
  const measure = () => {
    let changed = false;
    for (const row of box.current?.querySelectorAll(":scope > [data-row]") ?? []) {
      const item = list[Number(row.getAttribute("data-row"))];
      if (!item) continue;
      const height = row.getBoundingClientRect().height + parseFloat(getComputedStyle(row).marginBottom);
      if (Math.abs((heights.current.get(keyOf(item)) ?? 0) - height) < 1) continue;
      heights.current.set(keyOf(item), height);
      changed = true;
    }
    if (changed) measured((n) => n + 1);
    look();
  };
  useLayoutEffect(measure);
  useEffect(() => {
    if (!box.current) return undefined;
    let asked = 0;
    const soon = () => { asked ||= requestAnimationFrame(() => { asked = 0; measure(); }); };
    const size = new ResizeObserver(soon); // a row was opened
    size.observe(box.current);
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon);
    return () => { size.disconnect(); cancelAnimationFrame(asked); removeEventListener("scroll", soon); removeEventListener("resize", soon); };
  }, [list, version, first, end]);
  const from = Math.min(first, Math.max(0, list.length - 1)), to = Math.min(Math.max(end, from), list.length);
  return { box, first: from, rows: list.slice(from, to), before: tops[from], after: tops[list.length] - tops[to] };
}

/** Gives an element a height; pages have no style attributes, by their policy. */
const tall = (px) => (element) => { if (element) element.style.height = px + "px"; };

/** A table of which only what is seen is drawn; row(item) gives the cells. */
export function Table({ id, heads, list, keyOf, row }) {
  const { box, first, rows, before, after } = useWindow(list, keyOf, 42);
  const gap = (px) => px > 0 && html`<tr class="gap" aria-hidden="true"><td colspan=${heads.length} ref=${tall(px)}></td></tr>`;
  return html`<table id=${id} class="list" aria-rowcount=${list.length + 1}>
    <thead><tr>${heads.map((h) => html`<th scope="col">${h}</th>`)}</tr></thead>
    <tbody ref=${box}>${gap(before)}
      ${rows.map((item, i) => html`<tr key=${keyOf(item)} data-row=${first + i} aria-rowindex=${first + i + 2}>${row(item)}</tr>`)}
      ${gap(after)}</tbody></table>`;
}

/** A list of which only what is seen is drawn; each item is one element with what props gives it. */
export function Long({ id, tag = "div", class: kind, list, keyOf, guess, item }) {
  const { box, first, rows, before, after } = useWindow(list, keyOf, guess);
  const gap = (px, at) => px > 0 && html`<${tag === "ul" ? "li" : "div"} key=${at} class="gap" aria-hidden="true" ref=${tall(px)} />`;
  return html`<${tag} id=${id} class=${kind} ref=${box}>${gap(before, "before")}${rows.map((one, i) => item(one, first + i))}${gap(after, "after")}</>`;
}

/** A card that opens: name is the button's, side stands beside it. */
export function Fold({ name, side, open: first, index, children }) {
  const [open, setOpen] = useState(first);
  return html`<div class="card" data-row=${index}>
    <div class="line"><button type="button" class="fold" aria-expanded=${open ? "true" : "false"} onClick=${() => setOpen(!open)}>${name}</button>${side}</div>
    ${open && html`<div class="inside">${children}</div>`}</div>`;
}

/** Text with a button that copies it. */
export function Copy({ text }) {
  const copy = () => navigator.clipboard?.writeText(text).then(() => announce("Copied."), () => announce("The browser does not let pages copy here: mark the text instead."))
    ?? announce("Browsers copy on HTTPS and localhost only: mark the text instead.");
  return html`<span class="copy"><code>${text}</code> <button type="button" class="plain" aria-label=${"Copy " + text} title="Copy" onClick=${copy}><svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true"><path d="M4.5 4.5h8v8h-8zM9.5 4.5v-3h-8v8h3" fill="none" stroke="currentColor" stroke-width="1.3" /></svg></button></span>`;
}

/** A word as a shell takes it. */
export const quote = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : "'" + String(word).replaceAll("'", "'\\''") + "'");

/** A request as curl makes it. */
export function curl(method, path, { query = {}, body = "" } = /** @type {any} */ ({})) {
  const url = address(path, query).href.replace(/=(&|$)/g, "$1");
  return ["curl", method === "GET" ? "" : `-X ${method}`, token() ? '-H "X-Consul-Token: $CONSUL_HTTP_TOKEN"' : "", body ? "-d " + quote(body) : "", quote(url)].filter(Boolean).join(" ");
}

/** A command line for what is shown. */
export function praetor(...words) {
  const { datacenter } = here();
  return ["praetor", ...words.filter((w) => w !== ""), ...(datacenter ? ["-datacenter=" + datacenter] : [])].map(quote).join(" ");
}

/** How to get what a page shows without it: of has a path, with query, and the words of a command if there is one. */
export function Same({ of }) {
  return html`<details class="same"><summary>The same data without this page</summary>
    ${of.map(({ path, query, cli }) => html`<p key=${path} class="curl" data-path=${path}><${Copy} text=${curl("GET", path, { query })} /></p>
      ${cli && html`<p class="cli" data-path=${path}><${Copy} text=${praetor(...cli)} /></p>`}`)}
    <p class="muted">The command asks the agent at CONSUL_HTTP_ADDR, here <code>${location.origin}</code>.</p></details>`;
}

/** What was just done or is about to be, as command lines. */
export const AsCommands = ({ lines }) => html`<details class="same"><summary>The same from a shell</summary>${lines.map((l) => html`<p key=${l}><${Copy} text=${l} /></p>`)}</details>`;

const units = [["year", 31536000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** How long a number of seconds is, in one unit. */
export function span(seconds) {
  const [unit, length] = /** @type {[string, number]} */ (units.find(([, l]) => seconds >= l) ?? units.at(-1));
  const n = Math.floor(seconds / length);
  return `${n} ${unit}${n === 1 ? "" : "s"}`;
}

/** Seconds in a duration as Go writes it, such as 1m30s. */
export function goSeconds(text) {
  let sum = 0;
  for (const [, n, unit] of String(text ?? "").matchAll(/([\d.]+)(h|ms|m|s|µs|ns)/g)) sum += Number(n) * ({ h: 3600, m: 60, s: 1, ms: 0.001 }[unit] ?? 0);
  return sum;
}

/** A dialog that holds the page until it is closed. */
export function Dialog({ title, onClose, children }) {
  const box = useRef();
  useEffect(() => {
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    box.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog ref=${box} aria-label=${title} onClose=${onClose}><h2>${title}</h2>${children}</dialog>`;
}

/** Asks before something is done; run may fail, with a text to show, and tell how far it is. What cannot be undone is dangerous. */
export function Confirm({ title, verb, run, onClose, danger = true, lines = [], children }) {
  const [state, setState] = useState(/** @type {any} */ ({}));
  const submit = async (event) => {
    event.preventDefault();
    setState({ busy: true });
    try {
      const said = await run((far) => setState({ busy: true, far }));
      onClose();
      if (said) announce(said);
    } catch (error) {
      setState({ error });
    }
  };
  return html`<${Dialog} title=${title} onClose=${onClose}><form onSubmit=${submit}>
    ${children}
    ${lines.length > 0 && html`<${AsCommands} lines=${lines} />`}
    ${state.far && html`<p role="status">${state.far}</p>`}
    ${state.error && html`<p class="fault" role="alert">${state.error.message}</p>`}
    <p class="buttons"><button type="button" onClick=${onClose}>Cancel</button>
      <button type="submit" class=${danger ? "danger" : "primary"} disabled=${state.busy}>${verb}</button></p></form></>`;
}

let announcing = (/** @type {string} */ text) => {};

/** Shows a sentence for a while. */
export const announce = (text) => announcing(text);

/** Where announcements appear. */
export function Announcements() {
  const [text, setText] = useState("");
  useEffect(() => {
    let timer;
    announcing = (said) => {
      setText(said);
      clearTimeout(timer);
      timer = setTimeout(() => setText(""), 12000);
    };
    return () => clearTimeout(timer);
  }, []);
  return html`<div class="announcements" role="status">${text && html`<p>${text}
    <button type="button" class="plain" aria-label="Dismiss" onClick=${() => setText("")}>✕</button></p>`}</div>`;
}

/** Gives the reader a file. */
export function saveFile(name, content) {
  const url = URL.createObjectURL(new Blob([content]));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

/** Pairs of names and values. */
export function Pairs({ of }) {
  const entries = Object.entries(of ?? {}).filter(([, v]) => v !== "" && v !== null && v !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  if (!entries.length) return null;
  return html`<dl class="pairs">${entries.map(([k, v]) => html`<div key=${k}><dt>${k}</dt><dd>${v}</dd></div>`)}</dl>`;
}

/** How often a check runs and what it does, as far as the agent that runs it tells. */
function how(check) {
  const d = check.Definition ?? {};
  const target = d.HTTP ?? d.TCP ?? d.UDP ?? d.GRPC ?? "";
  return [target, check.Interval && `every ${check.Interval}`, check.Timeout && `gives up after ${check.Timeout}`].filter(Boolean).join(", ");
}

/** Checks with their output, the worst first. */
export function Checks({ checks }) {
  if (!checks.length) return html`<p class="muted">No checks: nothing watches this, and it counts as passing.</p>`;
  const sorted = [...checks].sort((a, b) => byHealth(worst([a]), worst([b])));
  return html`<ul class="checks">${sorted.map((c) => html`<li key=${c.CheckID}>
    <p class="head"><${Dot} status=${c.Status} /> <b>${c.Name || c.CheckID}</b>
      ${c.Name && c.Name !== c.CheckID && html` <code>${c.CheckID}</code>`}
      ${c.Type && html` <span class="tag">${c.Type}</span>`}${!c.ServiceID && html` <span class="tag">node</span>`}
      ${how(c) && html` <span class="muted how">${how(c)}</span>`}</p>
    ${c.Status !== "passing" && html`<p class="why">${since(c)}</p>`}
    ${c.Notes && html`<p class="muted">${c.Notes}</p>`}
    ${c.Output ? html`<pre tabindex="0" aria-label=${"Output of " + (c.Name || c.CheckID)}>${c.Output}</pre>`
      : c.Status !== "passing" && html`<p class="muted">${c.Type === "ttl" ? "No output: nobody reported to it yet." : "No output yet: it did not run since it was registered."}</p>`}</li>`)}</ul>`;
}
