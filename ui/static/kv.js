// The key/value store: folders, and what is done with all in one.
import { html, useEffect, useMemo, useState } from "./vendor/htm-preact.js";
import { get, keyPath, put, remove, request, useMay, useOnce } from "./api.js";
import { folderLink, Key, keyLink, parentOf, Path } from "./entry.js";
import { FormatFault } from "./format.js";
import { useLive } from "./live.js";
import { Command, Confirm, curl, Empty, Loading, Long, praetor, Same, saveFile, Search } from "./parts.js";
import { go, here, navigate, useQuery, useTitle } from "./router.js";

export function KV({ place }) {
  const key = place.query.get("key");
  if (key) return html`<${Key} key=${"key " + key} name=${key} />`;
  const prefix = place.query.get("prefix") ?? "";
  return html`<${Folder} key=${"folder " + prefix} prefix=${prefix} />`;
}

function Folder({ prefix }) {
  useTitle(prefix, "Key/Value", here().datacenter);
  const data = useLive(keyPath(prefix), { keys: "", separator: "/" });
  const [query, setQuery] = useQuery("q");
  const [values, setValues] = useQuery("values");
  const [asking, setAsking] = useState(""); // what was begun: new, upload, download or delete
  const all = useMemo(() => (data ?? []).filter((k) => k !== prefix).map((path) => ({ path, name: path.slice(prefix.length), isFolder: path.endsWith("/") }))
    .sort((a, b) => b.isFolder - a.isFolder || (a.path < b.path ? -1 : 1)), [data]);
  const wanted = query.toLowerCase();
  const rows = useMemo(() => all.filter((e) => e.name.toLowerCase().includes(wanted)), [all, wanted]);
  const [mayWrite] = useMay("key:write:" + prefix);
  const dialog = { new: NewKey, upload: UploadFolder, download: DownloadFolder, delete: DeleteFolder }[asking];
  return html`<h1><${Path} path=${prefix} /></h1>
    <div class="tools"><${Search} value=${query} onInput=${setQuery} placeholder=${prefix ? "Search here and below" : "Search all keys"} />
      ${mayWrite && html`<button type="button" class="primary" onClick=${() => setAsking("new")}>New key</button><button type="button" onClick=${() => setAsking("upload")}>Upload …</button>`}
      ${all.length > 0 && html`<button type="button" onClick=${() => setAsking("download")}>Download …</button>`}
      ${mayWrite && prefix && all.length > 0 && html`<button type="button" class="quiet" onClick=${() => setAsking("delete")}>Delete folder …</button>`}</div>
    ${data === undefined ? html`<${Loading} />` : !all.length ? html`<${NoKeys} prefix=${prefix} />`
      : rows.length ? html`<${Long} id="keys" tag="ul" class="keys" list=${rows} keyOf=${pathOf} guess=${41} item=${(e, at) => html`<li key=${e.path} data-row=${at}>
          <a href=${e.isFolder ? folderLink(e.path) : keyLink(e.path)} onClick=${go}><span class=${e.isFolder ? "icon folder" : "icon leaf"} aria-hidden="true"></span>${e.name}</a></li>`} />`
      : html`<p class="muted">Nothing in this folder itself has that name.</p>`}
    ${wanted && html`<${Below} prefix=${prefix} text=${query.trim()} values=${values} onValues=${setValues} />`}
    <${Same} of=${[{ path: keyPath(prefix), query: { keys: "", separator: "/" }, cli: ["kv", "get", "-keys", prefix] }, ...(wanted ? [{ path: searchPath, query: searchFor(prefix, query.trim(), values) }] : [])]} />
    ${dialog && html`<${dialog} prefix=${prefix} onClose=${() => setAsking("")} />`}`;
}

const pathOf = (e) => e.path;

const restFor = 250; // ms without a key pressed, until the servers search

const searchPath = "/v1/internal/ui/kv-search";
const searchFor = (prefix, text, values) => ({ q: text, ...(prefix && { prefix }), ...(values && { values: "" }) });

/** What a search has found, with what one that went on from it found. */
function joined(before, after) {
  if (!before) return after;
  const has = new Set(before.Keys.map(keyOf)); // keys move under who goes on
  return { ...after, Keys: [...before.Keys, ...after.Keys.filter((k) => !has.has(k.Key))], Searched: before.Searched + after.Searched };
}

/** What the servers find below a folder, in folders too. */
function Below({ prefix, text, values, onValues }) {
  const [{ data, fault, of, busy }, setState] = useState(/** @type {any} */ ({}));
  const query = searchFor(prefix, text, values);
  const now = JSON.stringify(query);
  const search = (before, signal) => get(searchPath, { query: { ...query, ...(before && { skip: String(before.Searched) }) }, signal }).then(
    ({ data }) => setState((old) => (before && old.of !== now ? old : { data: joined(before, data), of: now })),
    (fault) => { if (!signal?.aborted) setState((old) => (before && old.of !== now ? old : { data: before, fault, of: now })); });
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(() => search(null, stop.signal), restFor);
    return () => { clearTimeout(timer); stop.abort(); };
  }, [now]);
  const goOn = () => { setState({ data, of, busy: true }); search(data); };
  const found = data?.Keys ?? [];
  return html`<section id="found" aria-busy=${of === now ? "false" : "true"}><h2>In all folders ${prefix ? html`below ${prefix} ` : ""}${data && html`<span class="number">${found.length}${data.More ? "+" : ""}</span>`}</h2>
    <p><label class="check"><input type="checkbox" id="values" checked=${values === "1"} onChange=${(e) => onValues(e.target.checked ? "1" : "")} /> in values too</label></p>
    ${fault && html`<p class="fault" role="alert">${fault.message}</p>`}
    ${data && !found.length && html`<p class="muted">Nothing found in ${data.Searched} keys.</p>`}
    ${found.length > 0 && html`<${Long} tag="ul" class="keys" list=${found} keyOf=${keyOf} guess=${41} item=${(k, at) => html`<li key=${k.Key} data-row=${at}>
      <a href=${k.Key.endsWith("/") ? folderLink(k.Key) : keyLink(k.Key)} onClick=${go}><span class="icon leaf" aria-hidden="true"></span><${Marked} text=${k.Key} part=${k.Line ? "" : text} />
        ${k.Line && html`<span class="line"><${Marked} text=${k.Line} part=${text} /></span>`}</a></li>`} />`}
    ${data?.More && html`<p class="muted">There may be more: ${data.Searched} keys were looked at. <button type="button" disabled=${busy || of !== now} onClick=${goOn}>Go on</button></p>`}
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

/** The names of all keys below a prefix that the caller may see; undefined until they are known. */
const useNames = (prefix) => useOnce(keyPath(prefix), [prefix], { keys: "" });

const counted = (n, one) => `${n.toLocaleString("en")} ${one}${n === 1 ? "" : "s"}`;

const examples = 5; // keys that are named

function DeleteFolder({ prefix, onClose }) {
  const names = useNames(prefix);
  const much = Array.isArray(names) ? counted(names.length, "key") : "";
  const run = async () => {
    await remove(keyPath(prefix), { query: { recurse: "" } });
    navigate(folderLink(parentOf(prefix)));
    return `All keys below ${prefix} are deleted.`;
  };
  return html`<${Confirm} title=${`Delete ${prefix}?`} verb=${much ? `Delete ${much}` : "Delete all"} run=${run} onClose=${onClose}
    lines=${[praetor("kv", "delete", "-recurse", prefix), curl("DELETE", keyPath(prefix), { query: { recurse: "" } })]}>
    <p>Every key below <b>${prefix}</b>, in folders too, will be gone for everyone${much ? html`: now <b>${much}</b>.` : ". They are being counted …"}</p>
    ${much && html`<ul class="plain-list">${names.slice(0, examples).map((k) => html`<li key=${k}><code>${k}</code></li>`)}</ul>
      ${names.length > examples && html`<p class="muted">and ${(names.length - examples).toLocaleString("en")} more.</p>`}`}</>`;
}

const downloadWithin = 120000; // ms

/** Gives all keys below a prefix as a file that kv import reads. */
function DownloadFolder({ prefix, onClose }) {
  const names = useNames(prefix);
  const run = async () => {
    const { data } = await get(keyPath(prefix), { query: { recurse: "" }, within: downloadWithin });
    const list = (data ?? []).map((e) => ({ key: e.Key, flags: e.Flags, value: e.Value ?? "" }));
    const file = (prefix.split("/").filter(Boolean).at(-1) ?? "keys") + ".json";
    saveFile(file, JSON.stringify(list, null, "\t"));
    return `${counted(list.length, "key")} in ${file}: “Upload …” and praetor kv import read it.`;
  };
  return html`<${Confirm} title=${`Download ${prefix || "all keys"}?`} verb="Download" danger=${false} run=${run} onClose=${onClose}
    lines=${[praetor("kv", "export", prefix) + " > keys.json"]}>
    <p>${Array.isArray(names) ? html`<b>${counted(names.length, "key")}</b> with their values` : "All keys with their values"}, as JSON that <code>praetor kv import</code> reads.</p></>`;
}

const mostOps = 64, mostChars = 200000; // of one transaction; servers take 128 and 512 KB

/** The keys in a file of kv export. */
function exported(text) {
  const list = JSON.parse(text);
  const right = Array.isArray(list) && list.every((e) => typeof e?.key === "string" && e.key && typeof (e.value ?? "") === "string" && Number.isInteger(e.flags ?? 0));
  if (!right) throw new Error("This is no file of keys: a list of objects with key, flags and value in base64 is wanted, as Download and praetor kv export write it.");
  return list;
}

/** Writes the keys of a file. */
function UploadFolder({ onClose }) {
  const [list, setList] = useState(/** @type {any} */ (null));
  const [file, setFile] = useState("");
  const [had, setHad] = useState(0); // keys that are there already
  const choose = async (event) => {
    const chosen = event.target.files[0];
    setList(null);
    setFile(chosen?.name ?? "");
    if (!chosen) return;
    try {
      const found = exported(await chosen.text());
      let common = found[0]?.key ?? "";
      for (const { key } of found) while (!key.startsWith(common)) common = common.slice(0, -1);
      const there = new Set((await get(keyPath(common), { query: { keys: "" } })).data ?? []);
      setHad(found.filter((e) => there.has(e.key)).length);
      setList(found);
    } catch (error) {
      setList(error);
    }
  };
  const run = async (tell) => {
    if (list instanceof Error) throw list;
    if (!list) throw new Error("Choose a file first.");
    for (let at = 0; at < list.length;) {
      const ops = [];
      for (let chars = 0; at < list.length && ops.length < mostOps && (!ops.length || chars < mostChars); at++) {
        const { key, flags = 0, value = "" } = list[at];
        chars += key.length + value.length;
        ops.push({ KV: { Verb: "set", Key: key, Flags: flags, Value: value } });
      }
      tell(`${(at - ops.length).toLocaleString("en")} of ${list.length.toLocaleString("en")} written …`);
      const response = await request("PUT", "/v1/txn", { body: JSON.stringify(ops) });
      if (!response.ok) throw new Error(`Stopped after ${at - ops.length} keys: ${(await response.text()).slice(0, 500)}`);
    }
    return `${counted(list.length, "key")} from ${file} ${list.length === 1 ? "is" : "are"} written.`;
  };
  return html`<${Confirm} title="Upload keys?" verb="Upload" danger=${had > 0} run=${run} onClose=${onClose} lines=${[praetor("kv", "import", "@" + (file || "keys.json"))]}>
    <p>Writes every key of a file that Download or <code>praetor kv export</code> made, under the name that it has there.</p>
    <label>File<input id="tree" type="file" accept=".json,application/json" onChange=${choose} /></label>
    ${list instanceof Error && html`<p class="fault" role="alert">${list.message}</p>`}
    ${Array.isArray(list) && html`<p role="status"><b>${counted(list.length, "key")}</b>${had > 0 ? html`, of which <b>${had.toLocaleString("en")}</b> ${had === 1 ? "is" : "are"} there already and will be overwritten` : ", none of which is there already"}.</p>`}</>`;
}

function NewKey({ prefix, onClose }) {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const [file, setFile] = useState(/** @type {File | undefined} */ (undefined));
  const run = async () => {
    const key = prefix + (name || file?.name || "");
    if (key === prefix) throw new Error("Give the key a name.");
    const { data: done } = await put(keyPath(key), { query: { cas: "0" }, body: file ?? value });
    if (!done) throw new Error(`${key} exists already: open it to change it.`);
    navigate(key.endsWith("/") ? folderLink(key) : keyLink(key));
    return `${key} is created.`;
  };
  return html`<${Confirm} title="New key" verb="Create" danger=${false} run=${run} onClose=${onClose}>
    <label>Name${prefix && html` <span class="muted">below ${prefix}</span>`}
      <input id="new-name" autofocus value=${name} spellcheck=${false} autocomplete="off" placeholder=${file?.name ?? "database/host"} onInput=${(e) => setName(e.target.value)} /></label>
    ${!file && html`<label>Value<textarea id="new-value" rows="6" value=${value} spellcheck=${false} onInput=${(e) => setValue(e.target.value)}></textarea></label>
      <${FormatFault} name=${name} text=${value} />`}
    <label>${file ? "File" : "or a file"}<input id="new-file" type="file" onChange=${(e) => setFile(e.target.files[0])} /></label></>`;
}
