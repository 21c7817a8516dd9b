// The key/value store: folders, keys, and an editor that never overwrites what
// somebody else changed meanwhile.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/htm-preact.js";
import { get, keyPath, put, remove, useMay } from "./api.js";
import { Difference } from "./diff.js";
import { FormatFault, formatOf } from "./format.js";
import { KeyHistory } from "./history.js";
import { useLive } from "./live.js";
import { announce, Command, Confirm, curl, Empty, Loading, Long, Pairs, praetor, Same, Search } from "./parts.js";
import { go, here, link, navigate, useQuery, useTitle } from "./router.js";

/** A folder is a prefix that ends in a slash, or the root; anything else is a key. */
const folderLink = (prefix) => link("kv", "", prefix ? { prefix } : {});
const keyLink = (key) => link("kv", "", { key });
const parentOf = (path) => path.slice(0, path.lastIndexOf("/", path.length - 2) + 1);

export function KV({ place }) {
  const key = place.query.get("key");
  if (key) return html`<${Key} key=${"key " + key} name=${key} />`;
  const prefix = place.query.get("prefix") ?? "";
  return html`<${Folder} key=${"folder " + prefix} prefix=${prefix} />`;
}

/** The way from the root to a path, all but the last a link. */
function Path({ path }) {
  const parts = path.match(/[^/]*\/|[^/]+$/g) ?? [];
  let before = "";
  const steps = parts.map((part, i) => {
    before += part;
    return i === parts.length - 1 ? html`<b aria-current="page">${part}</b>` : html`<a href=${folderLink(before)} onClick=${go}>${part}</a>`;
  });
  return html`<nav class="path" aria-label="Path">${path ? html`<a href=${folderLink("")} onClick=${go}>Key/Value</a>` : html`<b>Key/Value</b>`}
    ${steps.map((s) => html`<span class="step">›</span>${s}`)}</nav>`;
}

function Folder({ prefix }) {
  useTitle(prefix, "Key/Value", here().datacenter);
  const data = useLive(keyPath(prefix), { keys: "", separator: "/" });
  const [query, setQuery] = useQuery("q");
  const [values, setValues] = useQuery("values");
  const [making, setMaking] = useState(false);
  const [doomed, setDoomed] = useState(false);
  const all = useMemo(() => (data ?? []).filter((k) => k !== prefix).map((path) => ({ path, name: path.slice(prefix.length), isFolder: path.endsWith("/") }))
    .sort((a, b) => b.isFolder - a.isFolder || (a.path < b.path ? -1 : 1)), [data]);
  const wanted = query.toLowerCase();
  const rows = useMemo(() => all.filter((e) => e.name.toLowerCase().includes(wanted)), [all, wanted]);
  const [mayWrite] = useMay("key:write:" + prefix);
  const close = () => { setMaking(false); setDoomed(false); };
  return html`<h1><${Path} path=${prefix} /></h1>
    <div class="tools"><${Search} value=${query} onInput=${setQuery} placeholder=${prefix ? "Search here and below" : "Search all keys"} />
      ${mayWrite && html`<button type="button" class="primary" onClick=${() => setMaking(true)}>New key</button>`}
      ${mayWrite && prefix && all.length > 0 && html`<button type="button" class="quiet" onClick=${() => setDoomed(true)}>Delete folder …</button>`}</div>
    ${data === undefined ? html`<${Loading} />` : !all.length ? html`<${NoKeys} prefix=${prefix} />`
      : rows.length ? html`<${Long} id="keys" tag="ul" class="keys" list=${rows} keyOf=${pathOf} guess=${41} item=${(e, at) => html`<li key=${e.path} data-row=${at}>
          <a href=${e.isFolder ? folderLink(e.path) : keyLink(e.path)} onClick=${go}><span class=${e.isFolder ? "icon folder" : "icon leaf"} aria-hidden="true"></span>${e.name}</a></li>`} />`
      : html`<p class="muted">Nothing in this folder itself has that name.</p>`}
    ${wanted && html`<${Below} prefix=${prefix} text=${query.trim()} values=${values} onValues=${setValues} />`}
    <${Same} of=${[{ path: keyPath(prefix), query: { keys: "", separator: "/" }, cli: ["kv", "get", "-keys", prefix] }, ...(wanted ? [{ path: searchPath, query: searchFor(prefix, query.trim(), values) }] : [])]} />
    ${making && html`<${NewKey} prefix=${prefix} onClose=${close} />`}
    ${doomed && html`<${DeleteFolder} prefix=${prefix} onClose=${close} />`}`;
}

const pathOf = (e) => e.path;

const restFor = 250; // ms without a key pressed, until the servers search

const searchPath = "/v1/internal/ui/kv-search";
const searchFor = (prefix, text, values) => ({ q: text, ...(prefix && { prefix }), ...(values && { values: "" }) });

/** What the servers find below a folder, in folders too. */
function Below({ prefix, text, values, onValues }) {
  const [{ data, fault, of }, setState] = useState(/** @type {any} */ ({}));
  const query = searchFor(prefix, text, values);
  const now = JSON.stringify(query);
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(() => get(searchPath, { query, signal: stop.signal }).then(
      ({ data }) => setState({ data, of: now }), (fault) => { if (!stop.signal.aborted) setState({ fault, of: now }); }), restFor);
    return () => { clearTimeout(timer); stop.abort(); };
  }, [now]);
  const found = data?.Keys ?? [];
  return html`<section id="found" aria-busy=${of === now ? "false" : "true"}><h2>In all folders ${prefix ? html`below ${prefix} ` : ""}${data && html`<span class="number">${found.length}${data.More ? "+" : ""}</span>`}</h2>
    <p><label class="check"><input type="checkbox" id="values" checked=${values === "1"} onChange=${(e) => onValues(e.target.checked ? "1" : "")} /> in values too</label></p>
    ${fault && html`<p class="fault" role="alert">${fault.message}</p>`}
    ${data && !found.length && html`<p class="muted">Nothing found in ${data.Searched} keys.</p>`}
    ${found.length > 0 && html`<${Long} tag="ul" class="keys" list=${found} keyOf=${keyOf} guess=${41} item=${(k, at) => html`<li key=${k.Key} data-row=${at}>
      <a href=${k.Key.endsWith("/") ? folderLink(k.Key) : keyLink(k.Key)} onClick=${go}><span class="icon leaf" aria-hidden="true"></span><${Marked} text=${k.Key} part=${k.Line ? "" : text} />
        ${k.Line && html`<span class="line"><${Marked} text=${k.Line} part=${text} /></span>`}</a></li>`} />`}
    ${data?.More && html`<p class="muted">There may be more: ${data.Searched} keys were looked at. Give more of the name, or search in a folder.</p>`}
  </section>`;
}

const keyOf = (k) => k.Key;

/** A text with the part that was searched for, whatever its case. */
function Marked({ text, part }) {
  const at = part ? text.toLowerCase().indexOf(part.toLowerCase()) : -1;
  if (at < 0) return html`<span>${text}</span>`;
  return html`<span>${text.slice(0, at)}<mark>${text.slice(at, at + part.length)}</mark>${text.slice(at + part.length)}</span>`;
}

const NoKeys = ({ prefix }) => html`<${Empty} title=${prefix ? "This folder is empty" : "There are no keys"}>
  <p>Keys hold configuration, feature switches, leases: whatever your programs share. Make one here with “New key”, or:</p>
  <${Command}>praetor kv put ${prefix || "app/"}color blue</></>`;

function DeleteFolder({ prefix, onClose }) {
  const run = async () => {
    await remove(keyPath(prefix), { query: { recurse: "" } });
    navigate(folderLink(parentOf(prefix)));
    return `All keys below ${prefix} are deleted.`;
  };
  return html`<${Confirm} title=${`Delete ${prefix}?`} verb="Delete all" run=${run} onClose=${onClose}
    lines=${[praetor("kv", "delete", "-recurse", prefix), curl("DELETE", keyPath(prefix), { query: { recurse: "" } })]}>
    <p>Every key below <b>${prefix}</b>, in folders too, will be gone for everyone.</p></>`;
}

function NewKey({ prefix, onClose }) {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const run = async () => {
    const key = prefix + name;
    if (!name) throw new Error("Give the key a name.");
    const { data: done } = await put(keyPath(key), { query: { cas: "0" }, body: value });
    if (!done) throw new Error(`${key} exists already: open it to change it.`);
    navigate(key.endsWith("/") ? folderLink(key) : keyLink(key));
    return `${key} is created.`;
  };
  return html`<${Confirm} title="New key" verb="Create" danger=${false} run=${run} onClose=${onClose}>
    <label>Name${prefix && html` <span class="muted">below ${prefix}</span>`}
      <input id="new-name" autofocus value=${name} spellcheck="false" autocomplete="off" placeholder="database/host" onInput=${(e) => setName(e.target.value)} /></label>
    <label>Value<textarea id="new-value" rows="6" value=${value} spellcheck="false" onInput=${(e) => setValue(e.target.value)}></textarea></label>
    <${FormatFault} name=${name} text=${value} /></>`;
}

/** The text in a base64 value; null if it is not text. */
function decodeText(value) {
  const bytes = Uint8Array.from(atob(value ?? ""), (c) => c.charCodeAt(0));
  try { return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), size: bytes.length }; } catch { return { text: null, size: bytes.length }; }
}

function Key({ name }) {
  useTitle(name, "Key/Value", here().datacenter);
  const data = useLive(keyPath(name));
  const latest = data?.[0];
  const last = useRef(/** @type {any} */ (null)); // what was there, for who was editing it when it was deleted
  if (latest) last.current = latest;
  if (data === undefined) return html`<h1><${Path} path=${name} /></h1><${Loading} />`;
  return html`<h1><${Path} path=${name} /></h1>
    ${last.current ? html`<${Editor} entry=${last.current} gone=${!latest} />` : html`<${NoKey} name=${name} />`}
    <${KeyHistory} name=${name} latest=${latest} />
    <${Same} of=${[{ path: keyPath(name), query: { raw: "" }, cli: ["kv", "get", name] }]} />`;
}

const NoKey = ({ name }) => html`<${Empty} title="There is no such key">
  <p>It was deleted, or never was. <a href=${folderLink(parentOf(name))} onClick=${go}>Back to the folder</a>.</p></>`;

/** Edits an entry. What is being edited stays as it was loaded while others change the key: that is told, not done. */
function Editor({ entry, gone }) {
  const [loaded, setLoaded] = useState(entry);
  const original = useMemo(() => decodeText(loaded.Value), [loaded]);
  const [draft, setDraft] = useState(null); // null: not touched
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState(null);
  const [doomed, setDoomed] = useState(false);
  const [mayWrite] = useMay("key:write:" + entry.Key);
  const touched = draft !== null && draft !== original.text;
  const latest = gone ? 0 : entry.ModifyIndex; // 0: there is none, as for the servers
  const stale = latest !== loaded.ModifyIndex;
  const take = (fresh) => { setLoaded(fresh); setDraft(null); setFault(null); };
  useEffect(() => { if (stale && !touched && !gone) take(entry); }, [entry, gone]);
  useLayoutEffect(() => { // at once: who sees "Saved." may leave
    if (!touched) return undefined;
    const warn = (event) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [touched]);

  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    setFault(null);
    try {
      const query = { cas: String(loaded.ModifyIndex), flags: String(loaded.Flags) };
      const { data: done } = await put(keyPath(entry.Key), { query, body: draft });
      const { data } = await get(keyPath(entry.Key));
      if (done) {
        if (data) take(data[0]);
        announce("Saved.");
      } else {
        setFault(new Error("Not saved: somebody else changed this key since you opened it."));
      }
    } catch (error) {
      setFault(error);
    } finally {
      setBusy(false);
    }
  };
  const drop = async () => {
    const { data: done } = await remove(keyPath(entry.Key), { query: { cas: String(loaded.ModifyIndex) } });
    if (!done) throw new Error("Not deleted: somebody else changed this key since you opened it. Close this and look at it again.");
    navigate(folderLink(parentOf(entry.Key)));
    return `${entry.Key} is deleted.`;
  };
  const text = draft ?? original.text;
  if (gone && !touched) return html`<${NoKey} name=${entry.Key} />`;
  return html`<form class="editor" onSubmit=${save}>
    ${stale && touched && html`<${Conflict} theirs=${gone ? null : decodeText(entry.Value)} mine=${draft}
      onTake=${() => (gone ? setDraft(null) : take(entry))} onKeep=${() => { setLoaded(gone ? { ...loaded, ModifyIndex: 0 } : entry); setFault(null); }} />`}
    ${text === null ? html`<p class="notice">This value is ${original.size} bytes that are not text. It can be read with <code>praetor kv get ${entry.Key}</code>.</p>`
      : html`<textarea id="value" aria-label=${"Value of " + entry.Key} rows=${Math.min(30, Math.max(6, text.split("\n").length + 1))}
          spellcheck="false" readonly=${!mayWrite} value=${text} onInput=${(e) => setDraft(e.target.value)}></textarea>
        <p class="muted">${describe(entry.Key, text)}</p><${FormatFault} name=${entry.Key} text=${text} />`}
    ${fault && html`<p class="fault" role="alert">${fault.message}</p>`}
    ${mayWrite && html`<p class="buttons">
      ${text !== null && html`<button type="submit" class="primary" disabled=${!touched || busy || stale}>Save</button>
        <button type="button" disabled=${!touched} onClick=${() => setDraft(null)}>Undo</button>`}
      <button type="button" class="quiet" onClick=${() => setDoomed(true)}>Delete …</button></p>`}
    <${Pairs} of=${{ Flags: loaded.Flags, LockIndex: loaded.LockIndex, CreateIndex: loaded.CreateIndex, ModifyIndex: loaded.ModifyIndex, "Locked by session": loaded.Session }} />
    ${doomed && html`<${Confirm} title=${`Delete ${entry.Key}?`} verb="Delete" run=${drop} onClose=${() => setDoomed(false)}
      lines=${[praetor("kv", "delete", "-cas", "-modify-index=" + loaded.ModifyIndex, entry.Key), curl("DELETE", keyPath(entry.Key), { query: { cas: loaded.ModifyIndex } })]}>
      <p>Programs that read this key will no longer find it.</p></>`}</form>`;
}

/** Somebody else changed what is being edited: what they wrote, and what to do. Theirs is null if they deleted it. */
const Conflict = ({ theirs, mine, onTake, onKeep }) => html`<section class="notice conflict" aria-label="Changed by somebody else">
  <p role="alert"><b>${theirs ? "This key was changed by somebody else meanwhile." : "This key was deleted by somebody else meanwhile."}</b>
    ${" "}Nothing is overwritten before you choose. ${theirs && theirs.text !== null ? "Here is the difference:" : ""}</p>
  ${theirs?.text === null && html`<p>Their value is ${theirs.size} bytes that are not text.</p>`}
  ${theirs && theirs.text !== null && (theirs.text === mine ? html`<p>Theirs is what you wrote.</p>` : html`<${Difference} theirs=${theirs.text} mine=${mine} />`)}
  <p class="buttons"><button type="button" onClick=${onTake}>${theirs ? "Take theirs" : "Drop mine"}</button><button type="button" onClick=${onKeep}>Keep mine</button></p></section>`;

/** What a value is, for whoever edits it. */
function describe(key, text) {
  const size = new TextEncoder().encode(text).length;
  return [`${size} ${size === 1 ? "byte" : "bytes"}`, formatOf(key, text)].filter(Boolean).join(", ");
}
