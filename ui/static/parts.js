// Pieces that all pages are made of.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/htm-preact.js";
import { byHealth, states, worst } from "./health.js";

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

/** A search box; the slash key goes there. */
export function Search({ value, onInput, placeholder }) {
  const box = useRef();
  useEffect(() => {
    const slash = (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
      event.preventDefault();
      box.current.focus();
    };
    addEventListener("keydown", slash);
    return () => removeEventListener("keydown", slash);
  }, []);
  return html`<input class="search" type="search" ref=${box} placeholder=${placeholder} title="The / key brings you here" value=${value} spellcheck="false"
    aria-label=${placeholder} onInput=${(e) => onInput(e.target.value)} />`;
}

/** Buttons that choose one status, or all. */
export function StatusFilter({ value, onChange, count }) {
  const total = states.reduce((sum, s) => sum + count[s], 0);
  const button = (id, text, n) => html`<button type="button" class=${"chip " + id} aria-pressed=${value === id ? "true" : "false"}
    onClick=${() => onChange(value === id ? "" : id)}>${text} <b>${n}</b></button>`;
  return html`<div class="chips" role="group" aria-label="Filter by status">
    ${button("", "All", total)}${states.map((s) => button(s, s[0].toUpperCase() + s.slice(1), count[s]))}</div>`;
}

export const Loading = () => html`<p class="empty" role="status">Loading …</p>`;

/** What stands where a list would be: why there is nothing, and what to do. */
export const Empty = ({ title, children }) => html`<div class="empty"><h2>${title}</h2>${children}</div>`;

/** A command to try. */
export const Command = ({ children }) => html`<pre class="command"><code>${children}</code></pre>`;

const page = 100; // rows shown at first, and more each time the end comes near

/**
 * The part of a list that is shown, and what to put after it: who scrolls to the
 * end gets more. A list of another key starts from the top.
 */
export function useShown(list, key) {
  const [state, setState] = useState({ key, most: page });
  const end = useRef();
  const most = state.key === key ? state.most : page;
  const left = list.length - most;
  useLayoutEffect(() => {
    if (left <= 0) return undefined;
    const seen = new IntersectionObserver((entries) => {
      if (entries.some((e) => e.isIntersecting)) setState({ key, most: most + page });
    }, { rootMargin: "800px" });
    seen.observe(end.current);
    return () => seen.disconnect();
  }, [key, most, left > 0]);
  const shown = useMemo(() => list.slice(0, most), [list, most]);
  return [shown, left > 0 ? html`<p class="rest" ref=${end} key="rest">
    <button type="button" onClick=${() => setState({ key, most: most + page })}>${left} more</button></p>` : null];
}

/** A dialog that holds the page until it is closed. */
export function Dialog({ title, onClose, children }) {
  const box = useRef();
  useEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog ref=${box} aria-label=${title} onClose=${onClose}><h2>${title}</h2>${children}</dialog>`;
}

/** Asks before something is done; run may fail, with a text to show. What cannot be undone is dangerous. */
export function Confirm({ title, verb, run, onClose, danger = true, children }) {
  const [state, setState] = useState({});
  const submit = async (event) => {
    event.preventDefault();
    setState({ busy: true });
    try {
      const said = await run();
      onClose();
      if (said) announce(said);
    } catch (error) {
      setState({ error });
    }
  };
  return html`<${Dialog} title=${title} onClose=${onClose}><form onSubmit=${submit}>
    ${children}
    ${state.error && html`<p class="fault" role="alert">${state.error.message}</p>`}
    <p class="buttons"><button type="button" onClick=${onClose}>Cancel</button>
      <button type="submit" class=${danger ? "danger" : "primary"} disabled=${state.busy}>${verb}</button></p></form></>`;
}

let announcing = () => {};

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

/** Pairs of names and values. */
export function Pairs({ of }) {
  const entries = Object.entries(of ?? {}).filter(([, v]) => v !== "" && v !== null && v !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  if (!entries.length) return null;
  return html`<dl class="pairs">${entries.map(([k, v]) => html`<div key=${k}><dt>${k}</dt><dd>${v}</dd></div>`)}</dl>`;
}

/** Checks with their output. */
export function Checks({ checks }) {
  if (!checks.length) return html`<p class="muted">No checks: nothing watches this, and it counts as passing.</p>`;
  const sorted = [...checks].sort((a, b) => byHealth(worst([a]), worst([b])));
  return html`<ul class="checks">${sorted.map((c) => html`<li key=${c.CheckID}>
    <p class="head"><${Dot} status=${c.Status} /> <b>${c.Name || c.CheckID}</b>
      ${c.Name && c.Name !== c.CheckID && html` <code>${c.CheckID}</code>`}
      ${c.Type && html` <span class="tag">${c.Type}</span>`}${!c.ServiceID && html` <span class="tag">node</span>`}</p>
    ${c.Notes && html`<p class="muted">${c.Notes}</p>`}${c.Output && html`<pre>${c.Output}</pre>`}</li>`)}</ul>`;
}
