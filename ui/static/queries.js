// Prepared queries: what they are, and what they answer now.
import { html, useState } from "./vendor/htm-preact.js";
import { get, post, put, remove, useMay } from "./api.js";
import { useLive } from "./live.js";
import { Command, Confirm, curl, Dot, Empty, Fold, Loading, Long, Pairs, Same } from "./parts.js";
import { worst } from "./health.js";
import { go, here, link, useTitle } from "./router.js";

const path = "/v1/query";
const sample = { Name: "web", Service: { Service: "web", OnlyPassing: true, Failover: { NearestN: 2 } } };

export function Queries() {
  useTitle("Prepared queries", here().datacenter);
  const list = useLive(path);
  const [mayWrite] = useMay("query:write:");
  const [editing, setEditing] = useState(null);
  const [doomed, setDoomed] = useState(null);
  return html`<h1>Prepared queries ${list && html`<span class="number">${list.length}</span>`}</h1>
    ${mayWrite && html`<p class="buttons tools"><button type="button" class="primary" onClick=${() => setEditing(sample)}>New query</button></p>`}
    ${!list ? html`<${Loading} />` : !list.length ? html`<${Empty} title="There are no prepared queries">
        <p>A query finds healthy instances by a name of its own, and in other datacenters if here are none. Make one here with “New query”, or:</p>
        <${Command}>${curl("POST", path, { body: JSON.stringify(sample) })}</><p>and ask for it:</p><${Command}>dig web.query.consul</></>`
      : html`<${Long} id="queries" list=${list} keyOf=${(q) => q.ID} guess=${52} item=${(q, at) => html`<${Query} key=${q.ID} index=${at} query=${q}
          onEdit=${() => setEditing(q)} onRemove=${() => setDoomed(q)} />`} />`}
    <${Same} of=${[{ path }]} />
    ${editing && html`<${Edit} query=${editing} onClose=${() => setEditing(null)} />`}
    ${doomed && html`<${Delete} query=${doomed} onClose=${() => setDoomed(null)} />`}`;
}

function Query({ query: q, index, onEdit, onRemove }) {
  const [mayWrite] = useMay("query:write:" + q.Name);
  const s = q.Service ?? {};
  const name = q.Name || q.ID;
  return html`<${Fold} index=${index} name=${html`<b>${name}</b>`}
    side=${html`<span>finds <a href=${link("services", s.Service)} onClick=${go}>${s.Service}</a></span>${q.Template?.Type && html`<span class="badge">template</span>`}<code>${name}.query.consul</code>`}>
    <${Pairs} of=${{ ID: q.ID, "Only passing": String(s.OnlyPassing), Near: s.Near, Tags: (s.Tags ?? []).join(", "), "Nearest datacenters": s.Failover?.NearestN || "", "Other datacenters": (s.Failover?.Datacenters ?? []).join(", "), "DNS TTL": q.DNS?.TTL, Session: q.Session }} />
    <${Run} name=${name} template=${q.Template?.Type} />
    ${mayWrite && html`<p class="buttons"><button type="button" onClick=${onEdit}>Edit …</button><button type="button" class="quiet" onClick=${onRemove}>Delete …</button></p>`}</>`;
}

/** Asks for the query as programs do, and shows the answer with the way it took. */
function Run({ name, template }) {
  const [asked, setAsked] = useState(name);
  const [state, setState] = useState(/** @type {any} */ ({}));
  const to = `${path}/${encodeURIComponent(asked)}/execute`;
  const run = () => get(to).then(({ data }) => setState({ answer: data ?? { Nodes: [] } }), (error) => setState({ error }));
  const { answer, error } = state;
  return html`<p class="buttons">${template && html`<input aria-label="Name to ask for" value=${asked} onInput=${(e) => setAsked(e.target.value)} />`}
      <button type="button" class="primary" onClick=${run}>Run</button></p>
    ${error && html`<p class="fault" role="alert">${error.message}</p>`}
    ${answer && html`<div class="answer" role="status"><p><b>${answer.Nodes.length}</b> ${answer.Nodes.length === 1 ? "instance" : "instances"} of ${answer.Service} in <b>${answer.Datacenter || "this datacenter"}</b>${answer.Failovers > 0 ? `, after ${answer.Failovers} that had none` : ""}.</p>
      <ul class="plain-list">${answer.Nodes.map((n) => html`<li key=${n.Node.Node + n.Service.ID}><${Dot} status=${worst(n.Checks ?? [])} /><code>${n.Service.Address || n.Node.Address}:${n.Service.Port}</code> ${n.Service.ID} on ${n.Node.Node}</li>`)}</ul></div>`}`;
}

/** The parts of a query that most people set: what each is called, how it is read, and how it is written. */
const fields = [
  { id: "name", label: "Name", read: (q) => q.Name, write: (q, v) => { q.Name = v; } },
  { id: "service", label: "Finds the service", read: (q) => q.Service?.Service, write: (q, v) => { q.Service = { ...q.Service, Service: v }; } },
  { id: "tags", label: "With all of these tags", read: (q) => listed(q.Service?.Tags), write: (q, v) => { q.Service = { ...q.Service, Tags: split(v) }; } },
  { id: "near", label: "Nearest first, seen from a node, _agent or _ip", read: (q) => q.Service?.Near, write: (q, v) => { q.Service = { ...q.Service, Near: v }; } },
  { id: "elsewhere", label: "Else in these datacenters, in this order", read: (q) => listed(q.Service?.Failover?.Datacenters), write: (q, v) => { q.Service = { ...q.Service, Failover: { ...q.Service?.Failover, Datacenters: split(v) } }; } },
];
const listed = (list) => (list ?? []).join(", ");
const split = (text) => text.split(",").map((part) => part.trim()).filter(Boolean);

/** A query as text; undefined while it is none. */
function parse(text) {
  try { const q = JSON.parse(text); return q && typeof q === "object" ? q : undefined; } catch { return undefined; }
}

function Edit({ query, onClose }) {
  const { CreateIndex, ModifyIndex, ...shown } = query;
  const [text, setText] = useState(JSON.stringify(shown, null, 2));
  const [typed, setTyped] = useState(/** @type {Record<string, string>} */ ({})); // in fields: what lists look like while they are written
  const to = query.ID ? `${path}/${query.ID}` : path;
  const parsed = parse(text);
  const set = (field, value) => {
    const q = parse(text);
    field.write(q, value);
    setTyped({ ...typed, [field.id]: value });
    setText(JSON.stringify(q, null, 2));
  };
  const run = async () => {
    JSON.parse(text);
    await (query.ID ? put : post)(to, { body: text });
    return "The query is saved.";
  };
  return html`<${Confirm} title=${query.ID ? `Edit ${query.Name || query.ID}` : "New query"} verb="Save" danger=${false} run=${run} onClose=${onClose}
    lines=${[curl(query.ID ? "PUT" : "POST", to, { body: text })]}>
    ${fields.map((f) => html`<label key=${f.id}>${f.label}<input id=${"query-" + f.id} disabled=${!parsed} spellcheck=${false} autocomplete="off"
      value=${typed[f.id] ?? (parsed && f.read(parsed)) ?? ""} onInput=${(e) => set(f, e.target.value)} /></label>`)}
    <label class="check"><input type="checkbox" id="query-passing" disabled=${!parsed} checked=${Boolean(parsed?.Service?.OnlyPassing)}
      onChange=${(e) => set({ id: "passing", write: (q, v) => { q.Service = { ...q.Service, OnlyPassing: v }; } }, e.target.checked)} /> Only instances whose checks all pass</label>
    <label>All of it, as JSON<textarea id="query" rows="10" spellcheck=${false} value=${text}
      onInput=${(e) => { setTyped({}); setText(e.target.value); }}></textarea></label></>`;
}

function Delete({ query, onClose }) {
  const to = `${path}/${query.ID}`;
  const run = async () => { await remove(to); return `${query.Name || query.ID} is deleted.`; };
  return html`<${Confirm} title=${`Delete ${query.Name || query.ID}?`} verb="Delete" run=${run} onClose=${onClose} lines=${[curl("DELETE", to)]}>
    <p>Programs that ask for it, by DNS or HTTP, will find nothing.</p></>`;
}
