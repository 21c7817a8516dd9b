// The key/value store: folders, keys, and an editor that never overwrites what
// somebody else changed meanwhile.
import { html, useEffect, useMemo, useState } from "./vendor/htm-preact.js";
import { get, keyPath, put, remove, useLive } from "./api.js";
import { announce, Command, Confirm, Empty, Loading, Pairs, Search, useShown } from "./parts.js";
import { go, here, link, navigate, useQuery, useTitle } from "./router.js";

/** A folder is a prefix that ends in a slash, or the root; anything else is a key. */
const folderLink = (prefix) => link("kv", "", prefix ? { prefix } : {});
const keyLink = (key) => link("kv", "", { key });
const parentOf = (path) => path.slice(0, path.lastIndexOf("/", path.length - 2) + 1);

export function KV({ place }) {
  // Links in the form /ui/kv/a/b/ work too.
  const key = place.query.get("key") ?? (place.rest && !place.rest.endsWith("/") ? place.rest : "");
  if (key) return html`<${Key} key=${"key " + key} name=${key} />`;
  const prefix = place.query.get("prefix") ?? place.rest;
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
  const [making, setMaking] = useState(false);
  const [doomed, setDoomed] = useState(false);
  const all = useMemo(() => (data ?? []).filter((k) => k !== prefix).map((path) => ({ path, name: path.slice(prefix.length), isFolder: path.endsWith("/") }))
    .sort((a, b) => b.isFolder - a.isFolder || (a.path < b.path ? -1 : 1)), [data]);
  const wanted = query.toLowerCase();
  const rows = useMemo(() => all.filter((e) => e.name.toLowerCase().includes(wanted)), [all, wanted]);
  const [shown, rest] = useShown(rows, wanted);
  const close = () => { setMaking(false); setDoomed(false); };
  return html`<h1><${Path} path=${prefix} /></h1>
    <div class="tools"><${Search} value=${query} onInput=${setQuery} placeholder="Search in this folder" />
      <button type="button" class="primary" onClick=${() => setMaking(true)}>New key</button>
      ${prefix && all.length > 0 && html`<button type="button" class="quiet" onClick=${() => setDoomed(true)}>Delete folder …</button>`}</div>
    ${data === undefined ? html`<${Loading} />` : !all.length ? html`<${NoKeys} prefix=${prefix} />`
      : shown.length ? html`<ul id="keys" class="keys">${shown.map((e) => html`<li key=${e.path}>
          <a href=${e.isFolder ? folderLink(e.path) : keyLink(e.path)} onClick=${go}><span class=${e.isFolder ? "icon folder" : "icon leaf"} aria-hidden="true"></span>${e.name}</a></li>`)}</ul>${rest}`
      : html`<${Empty} title="No key matches"><p>Try another search.</p></>`}
    ${making && html`<${NewKey} prefix=${prefix} onClose=${close} />`}
    ${doomed && html`<${DeleteFolder} prefix=${prefix} onClose=${close} />`}`;
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
  return html`<${Confirm} title=${`Delete ${prefix}?`} verb="Delete all" run=${run} onClose=${onClose}>
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
    <label>Value<textarea id="new-value" rows="6" value=${value} spellcheck="false" onInput=${(e) => setValue(e.target.value)}></textarea></label></>`;
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
  if (data === undefined) return html`<h1><${Path} path=${name} /></h1><${Loading} />`;
  return html`<h1><${Path} path=${name} /></h1>
    ${latest ? html`<${Editor} entry=${latest} />` : html`<${Empty} title="There is no such key">
      <p>It was deleted, or never was. <a href=${folderLink(parentOf(name))} onClick=${go}>Back to the folder</a>.</p></>`}`;
}

/** Edits an entry. What is being edited stays as it was loaded while others change the key: that is told, not done. */
function Editor({ entry }) {
  const [loaded, setLoaded] = useState(entry);
  const original = useMemo(() => decodeText(loaded.Value), [loaded]);
  const [draft, setDraft] = useState(null); // null: not touched
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState(null);
  const [doomed, setDoomed] = useState(false);
  const touched = draft !== null && draft !== original.text;
  const stale = entry.ModifyIndex !== loaded.ModifyIndex;
  const take = (fresh) => { setLoaded(fresh); setDraft(null); setFault(null); };
  useEffect(() => { if (stale && !touched) take(entry); }, [entry]);
  useEffect(() => {
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
  return html`<form class="editor" onSubmit=${save}>
    ${stale && touched && html`<p class="notice" role="alert">This key was changed by somebody else meanwhile: saving is off, so that their work is not lost.
      ${" "}<button type="button" onClick=${() => take(entry)}>Load their value, drop mine</button></p>`}
    ${text === null ? html`<p class="notice">This value is ${original.size} bytes that are not text. It can be read with <code>praetor kv get ${entry.Key}</code>.</p>`
      : html`<textarea id="value" aria-label=${"Value of " + entry.Key} rows=${Math.min(30, Math.max(6, text.split("\n").length + 1))}
          spellcheck="false" value=${text} onInput=${(e) => setDraft(e.target.value)}></textarea>
        <p class="muted">${describe(text)}</p>`}
    ${fault && html`<p class="fault" role="alert">${fault.message}</p>`}
    <p class="buttons">
      ${text !== null && html`<button type="submit" class="primary" disabled=${!touched || busy || stale}>Save</button>
        <button type="button" disabled=${!touched} onClick=${() => setDraft(null)}>Undo</button>`}
      <button type="button" class="quiet" onClick=${() => setDoomed(true)}>Delete …</button></p>
    <${Pairs} of=${{ Flags: loaded.Flags, LockIndex: loaded.LockIndex, CreateIndex: loaded.CreateIndex, ModifyIndex: loaded.ModifyIndex, "Locked by session": loaded.Session }} />
    ${doomed && html`<${Confirm} title=${`Delete ${entry.Key}?`} verb="Delete" run=${drop} onClose=${() => setDoomed(false)}>
      <p>Programs that read this key will no longer find it.</p></>`}</form>`;
}

/** What a value is, for whoever edits it. */
function describe(text) {
  const size = new TextEncoder().encode(text).length;
  const bytes = `${size} ${size === 1 ? "byte" : "bytes"}`;
  if (!/^\s*[[{]/.test(text)) return bytes;
  try { JSON.parse(text); return bytes + ", JSON"; } catch (error) { return `${bytes}, not JSON: ${error.message}`; }
}
