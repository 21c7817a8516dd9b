// One key: its value to read, and an editor that never overwrites what somebody else changed meanwhile.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/htm-preact.js";
import { get, keyPath, put, remove, request, useMay } from "./api.js";
import { Colored } from "./colors.js";
import { Difference } from "./diff.js";
import { FormatFault, formatOf } from "./format.js";
import { KeyHistory } from "./history.js";
import { useLive } from "./live.js";
import { announce, Confirm, curl, Empty, Loading, Pairs, praetor, quote, Same, saveFile } from "./parts.js";
import { go, here, link, navigate, useTitle } from "./router.js";

/** A folder is a prefix that ends in a slash, or the root; anything else is a key. */
export const folderLink = (prefix) => link("kv", "", prefix ? { prefix } : {});
export const keyLink = (key) => link("kv", "", { key });
export const parentOf = (path) => path.slice(0, path.lastIndexOf("/", path.length - 2) + 1);

/** The way from the root to a path, all but the last a link. */
export function Path({ path }) {
  const parts = path.match(/[^/]*\/|[^/]+$/g) ?? [];
  let before = "";
  const steps = parts.map((part, i) => {
    before += part;
    return i === parts.length - 1 ? html`<b aria-current="page">${part}</b>` : html`<a href=${folderLink(before)} onClick=${go}>${part}</a>`;
  });
  return html`<nav class="path" aria-label="Path">${path ? html`<a href=${folderLink("")} onClick=${go}>Key/Value</a>` : html`<b>Key/Value</b>`}
    ${steps.map((s) => html`<span class="step">›</span>${s}`)}</nav>`;
}

const bytesOf = (value) => Uint8Array.from(atob(value ?? ""), (c) => c.charCodeAt(0));

/** The text in a base64 value; null if it is not text. */
function decodeText(value) {
  const bytes = bytesOf(value);
  try { return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), size: bytes.length }; } catch { return { text: null, size: bytes.length }; }
}

export function Key({ name }) {
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

/** An entry to read, and to edit. What is being edited stays as it was loaded while others change the key: that is told, not done. */
function Editor({ entry, gone }) {
  const [loaded, setLoaded] = useState(entry);
  const original = useMemo(() => decodeText(loaded.Value), [loaded]);
  const [draft, setDraft] = useState(/** @type {string | null} */ (null)); // null: it is only read
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState(null);
  const [asking, setAsking] = useState(""); // what was begun: delete, rename or upload
  const [mayWrite] = useMay("key:write:" + entry.Key);
  const box = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const touched = draft !== null && draft !== original.text;
  const latest = gone ? 0 : entry.ModifyIndex; // 0: there is none, as for the servers
  const stale = latest !== loaded.ModifyIndex;
  const take = (fresh) => { setLoaded(fresh); setDraft(null); setFault(null); };
  useEffect(() => { if (stale && !touched && !gone) { setLoaded(entry); setFault(null); if (draft !== null) setDraft(decodeText(entry.Value).text); } }, [entry, gone]);
  useLayoutEffect(() => { // at once: who sees "Saved." may leave
    if (!touched) return undefined;
    const warn = (event) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [touched]);
  const editing = draft !== null;
  useEffect(() => { if (editing) box.current?.focus(); }, [editing]);

  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    setFault(null);
    try {
      const { data: done } = await put(keyPath(entry.Key), { query: changing(loaded), body: draft });
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
  if (gone && !touched) return html`<${NoKey} name=${entry.Key} />`;
  const text = draft ?? original.text;
  const action = (what, words, kind = "") => html`<button type="button" class=${kind} onClick=${() => setAsking(what)}>${words}</button>`;
  const dialog = { delete: Delete, rename: Rename, upload: Upload }[asking];
  return html`<form class="editor" onSubmit=${save}>
    ${stale && touched && html`<${Conflict} theirs=${gone ? null : decodeText(entry.Value)} mine=${draft}
      onTake=${() => (gone ? setDraft(null) : take(entry))} onKeep=${() => { setLoaded(gone ? { ...loaded, ModifyIndex: 0 } : entry); setFault(null); }} />`}
    ${text === null ? html`<p class="notice">This value is ${original.size} bytes that are not text. It can be downloaded, or read with <code>praetor kv get ${entry.Key}</code>.</p>`
      : editing ? html`<textarea id="value" ref=${box} aria-label=${"Value of " + entry.Key} rows=${Math.min(30, Math.max(6, text.split("\n").length + 1))}
          spellcheck=${false} value=${text} onInput=${(e) => setDraft(e.target.value)}></textarea>`
      : html`<pre id="shown" class="value" tabindex="0" aria-label=${"Value of " + entry.Key}><${Colored} format=${formatOf(entry.Key, text)} text=${text} /></pre>`}
    ${text !== null && html`<p class="muted">${describe(entry.Key, text)}</p><${FormatFault} name=${entry.Key} text=${text} />`}
    ${fault && html`<p class="fault" role="alert">${fault.message}</p>`}
    <p class="buttons">${editing ? html`<button type="submit" class="primary" disabled=${!touched || busy || stale}>Save</button>
        <button type="button" onClick=${() => { setDraft(null); setFault(null); }}>Cancel</button>`
      : html`${mayWrite && text !== null && html`<button type="button" class="primary" onClick=${() => setDraft(text)}>Edit</button>`}
        ${mayWrite && action("rename", "Rename …")}${mayWrite && action("upload", "Upload …")}
        <button type="button" onClick=${() => saveFile(baseOf(entry.Key), bytesOf(loaded.Value))}>Download</button>
        ${mayWrite && action("delete", "Delete …", "quiet")}`}</p>
    <${Pairs} of=${{ Flags: loaded.Flags, LockIndex: loaded.LockIndex, CreateIndex: loaded.CreateIndex, ModifyIndex: loaded.ModifyIndex, "Locked by session": loaded.Session }} /></form>
    ${dialog && html`<${dialog} entry=${loaded} onClose=${() => setAsking("")} />`}`;
}

/** What a request says that changes an entry and is refused if somebody else changed it. */
const changing = (entry) => ({ cas: String(entry.ModifyIndex), flags: String(entry.Flags) });

/** A name for a key's file. */
const baseOf = (key) => key.split("/").filter(Boolean).at(-1) || "value";

function Delete({ entry, onClose }) {
  const query = { cas: String(entry.ModifyIndex) };
  const run = async () => {
    const { data: done } = await remove(keyPath(entry.Key), { query });
    if (!done) throw new Error("Not deleted: somebody else changed this key since you opened it. Close this and look at it again.");
    navigate(folderLink(parentOf(entry.Key)));
    return `${entry.Key} is deleted.`;
  };
  return html`<${Confirm} title=${`Delete ${entry.Key}?`} verb="Delete" run=${run} onClose=${onClose}
    lines=${[praetor("kv", "delete", "-cas", "-modify-index=" + entry.ModifyIndex, entry.Key), curl("DELETE", keyPath(entry.Key), { query })]}>
    <p>Programs that read this key will no longer find it.</p><${Locked} entry=${entry} /></>`;
}

/** Who holds a lock that is about to be lost. */
const Locked = ({ entry }) => entry.Session && html`<p class="notice">Session <a href=${link("sessions")} onClick=${go}><code>${entry.Session}</code></a> holds a lock on it. The lock is lost, and its holder is not asked.</p>`;

const mostShown = 2000; // characters of a value in a command line

/** Gives a key another name, if there is none of that name and nobody changed it: all of it or nothing. */
function Rename({ entry, onClose }) {
  const [name, setName] = useState(entry.Key);
  const [sure, setSure] = useState(false);
  const path = "/v1/txn";
  const body = JSON.stringify([
    { KV: { Verb: "cas", Key: name, Value: entry.Value, Flags: entry.Flags, Index: 0 } },
    { KV: { Verb: "delete-cas", Key: entry.Key, Index: entry.ModifyIndex } },
  ]);
  const run = async () => {
    if (!name || name === entry.Key) throw new Error("Give it another name.");
    if (name.endsWith("/")) throw new Error("A name that ends in a slash is a folder's.");
    if (entry.Session && !sure) throw new Error("Somebody holds a lock on this key: say that it may be lost.");
    const response = await request("PUT", path, { body });
    const text = await response.text();
    if (response.status === 409 && text.startsWith("{")) {
      const { OpIndex, What } = JSON.parse(text).Errors[0];
      throw new Error(!/index/.test(What) ? What : OpIndex === 0 ? `Not renamed: ${name} exists already.`
        : "Not renamed: somebody else changed this key since you opened it. Close this and look at it again.");
    }
    if (!response.ok) throw new Error(text);
    navigate(keyLink(name));
    return `${entry.Key} is ${name} now.`;
  };
  const { text } = decodeText(entry.Value);
  const short = text !== null && text.length <= mostShown && !/^[@-]/.test(text);
  return html`<${Confirm} title=${`Rename ${entry.Key}?`} verb="Rename" danger=${Boolean(entry.Session)} run=${run} onClose=${onClose}
    lines=${entry.Value?.length > mostShown ? [] : [
      ...(short ? [`${praetor("kv", "put", "-cas", "-modify-index=0", "-flags=" + entry.Flags, name, text)} && ${praetor("kv", "delete", "-cas", "-modify-index=" + entry.ModifyIndex, entry.Key)}`] : []),
      curl("PUT", path, { body })]}>
    <label>New name<input id="rename" autofocus value=${name} spellcheck=${false} autocomplete="off" onInput=${(e) => setName(e.target.value)} /></label>
    <p>One transaction makes the new key, with the value and the flags of this one, and deletes this one. Nothing happens if the new name is taken, or if
      somebody changes this key meanwhile. Programs that read <b>${entry.Key}</b> will no longer find it.</p>
    <${Locked} entry=${entry} />
    ${entry.Session && html`<label class="check"><input type="checkbox" id="sure" checked=${sure} onChange=${(e) => setSure(e.target.checked)} /> Rename it all the same</label>`}</>`;
}

/** Gives a key the content of a file. */
function Upload({ entry, onClose }) {
  const [file, setFile] = useState(/** @type {File | undefined} */ (undefined));
  const query = changing(entry);
  const run = async () => {
    if (!file) throw new Error("Choose a file first.");
    const { data: done } = await put(keyPath(entry.Key), { query, body: file });
    if (!done) throw new Error("Not done: somebody else changed this key since you opened it. Close this and look at it again.");
    return `${entry.Key} holds ${file.name} now.`;
  };
  return html`<${Confirm} title=${`Upload to ${entry.Key}?`} verb="Upload" run=${run} onClose=${onClose}
    lines=${[praetor("kv", "put", "-cas", "-modify-index=" + entry.ModifyIndex, "-flags=" + entry.Flags, entry.Key, "@" + (file?.name ?? "FILE")),
      curl("PUT", keyPath(entry.Key), { query }) + " --data-binary " + quote("@" + (file?.name ?? "FILE"))]}>
    <p>The file takes the place of the ${decodeText(entry.Value).size} bytes that the key has now.</p>
    <label>File<input id="file" type="file" onChange=${(e) => setFile(e.target.files[0])} /></label></>`;
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
