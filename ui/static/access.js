// Access: tokens, policies, roles and how people log in.
import { html, useMemo, useState } from "./vendor/htm-preact.js";
import { get, put, useMay, useOnce } from "./api.js";
import { Colored } from "./colors.js";
import { Explain } from "./explain.js";
import { FormatFault } from "./format.js";
import { useLive } from "./live.js";
import { announce, Command, Confirm, curl, Empty, Loading, Pairs, praetor, Same, Search, Table } from "./parts.js";
import { go, link, navigate, useQuery, useTitle } from "./router.js";

/** The kinds: titles, where each is asked for, the command, what is its name. */
const kinds = {
  tokens: { title: "Tokens", one: "token", path: "/v1/acl/tokens", cli: ["acl", "token", "list"], id: (t) => t.AccessorID, name: (t) => t.Description || t.AccessorID },
  policies: { title: "Policies", one: "policy", path: "/v1/acl/policies", cli: ["acl", "policy", "list"], id: (p) => p.ID, name: (p) => p.Name },
  roles: { title: "Roles", one: "role", path: "/v1/acl/roles", cli: ["acl", "role", "list"], id: (r) => r.ID, name: (r) => r.Name },
  "auth-methods": { title: "Auth methods", one: "auth-method", path: "/v1/acl/auth-methods", cli: ["acl", "auth-method", "list"], id: (m) => m.Name, name: (m) => m.Name },
};

export function Access({ place, onToken }) {
  const [kind = "tokens", id] = place.rest;
  const self = useOnce("/v1/acl/token/self", []);
  const [enabled, setEnabled] = useState(/** @type {boolean | null} */ (null));
  useMemo(() => { get("/v1/acl/token/self").then(() => setEnabled(true), (error) => setEnabled(error.status !== 401)); }, []);
  if (!Object.hasOwn(kinds, kind)) return html`<${Empty} title="There is no such page"><p><a href=${link("access")} onClick=${go}>Access</a></p></>`;
  if (enabled === null) return html`<h1>Access</h1><${Loading} />`;
  if (!enabled) {
    return html`<h1>Access</h1><${Empty} title="Access rules are off"><p>Everybody who reaches this agent may do everything. To change that, give all agents:</p>
      <${Command}>${`acl {\n  enabled = true\n  default_policy = "deny"\n}`}</><p>restart them, and make the first token:</p><${Command}>praetor acl bootstrap</></>`;
  }
  const tab = (k) => html`<a class="chip" href=${link("access", k)} onClick=${go} aria-current=${k === kind ? "page" : undefined}>${kinds[k].title}</a>`;
  return html`<h1>Access</h1>
    ${self && html`<p class="under">This tab uses the token <b>${self.Description || self.AccessorID}</b>. <button type="button" onClick=${onToken}>Change …</button></p>`}
    <nav class="chips tools" aria-label="Kinds">${Object.keys(kinds).map(tab)}</nav>
    ${id ? html`<${One} key=${kind + id} kind=${kind} id=${id} />` : html`<${List} key=${kind} kind=${kind} onToken=${onToken} />`}`;
}

const names = (list) => (list ?? []).map((l) => l.Name || l.ServiceName || l.NodeName || l.TemplateName).join(", ");

function List({ kind, onToken }) {
  const k = kinds[kind];
  useTitle(k.title, "Access");
  const [mayRead, mayWrite] = useMay("acl:read", "acl:write");
  const [making, setMaking] = useState(false);
  const list = useLive(mayRead ? k.path : "");
  const [query, setQuery] = useQuery("q");
  const wanted = query.trim().toLowerCase();
  const rows = useMemo(() => (list ?? []).filter((e) => [k.name(e), k.id(e), e.Description, names(e.Policies), names(e.Roles)].join("\n").toLowerCase().includes(wanted)), [list, wanted]);
  if (!mayRead) return html`<${Empty} title="This token may not see them"><p>It takes <code>acl = "read"</code>. <button type="button" onClick=${onToken}>Give another token</button></p></>
    <${Explain} />`;
  if (!list) return html`<${Loading} />`;
  return html`<div class="tools"><${Search} value=${query} onInput=${setQuery} placeholder="Search by name, ID, policy or role" />
      ${mayWrite && kind === "policies" && html`<button type="button" class="primary" onClick=${() => setMaking(true)}>New policy</button>`}</div>
    ${rows.length ? html`<${Table} id=${kind} heads=${["Name", "ID", "Grants"]} list=${rows} keyOf=${k.id} row=${(e) => html`
        <td class="name"><a href=${link("access", [kind, k.id(e)])} onClick=${go}><span>${k.name(e)}</span></a>${e.Local && html`<span class="badge">local</span>`}
          ${e.ExpirationTime && html`<span class="badge">until ${e.ExpirationTime.slice(0, 16).replace("T", " ")}</span>`}</td>
        <td><code>${k.id(e)}</code></td>
        <td>${[names(e.Policies), names(e.Roles), names(e.ServiceIdentities), names(e.NodeIdentities), names(e.TemplatedPolicies)].filter(Boolean).join(", ") || (kind === "tokens" ? "nothing" : e.Type ?? e.Description)}</td>`} />`
      : html`<${Empty} title=${list.length ? "Nothing matches" : "There are none"}><p>Make one:</p><${Command}>praetor acl ${k.one} create -h</></>`}
    <${Same} of=${[{ path: k.path, cli: k.cli }]} />
    ${making && html`<${NewPolicy} onClose=${() => setMaking(false)} />`}`;
}

const sample = `key_prefix "app/" {
  policy = "read"
}
service "web" {
  policy = "write"
}`;

function NewPolicy({ onClose }) {
  const [name, setName] = useState("");
  const [rules, setRules] = useState(sample);
  const path = "/v1/acl/policy";
  const body = JSON.stringify({ Name: name, Rules: rules });
  const run = async () => {
    if (!name) throw new Error("Give the policy a name.");
    const { data } = await put(path, { body });
    navigate(link("access", ["policies", data.ID]));
    return `${name} is created. Tokens get it with: ${praetor("acl", "token", "create", "-policy-name=" + name)}`;
  };
  return html`<${Confirm} title="New policy" verb="Create" danger=${false} run=${run} onClose=${onClose} lines=${[praetor("acl", "policy", "create", "-name=" + name, "-rules=" + rules), curl("PUT", path, { body })]}>
    <label>Name<input id="policy-name" autofocus value=${name} autocomplete="off" spellcheck=${false} onInput=${(e) => setName(e.target.value)} /></label>
    <label>Rules<textarea id="new-rules" rows="8" spellcheck=${false} value=${rules} onInput=${(e) => setRules(e.target.value)}></textarea></label>
    <${FormatFault} format="rules" text=${rules} /></>`;
}

function One({ kind, id }) {
  const k = kinds[kind];
  const path = `/v1/acl/${k.one}/${encodeURIComponent(id)}`;
  const entry = useLive(path);
  useTitle(entry ? k.name(entry) : id, k.title, "Access");
  const back = html`<p class="back"><a href=${link("access", kind)} onClick=${go}>‹ ${k.title}</a></p>`;
  const flag = { tokens: "-accessor-id=", "auth-methods": "-name=" }[kind] ?? "-id=";
  const same = html`<${Same} of=${[{ path, cli: ["acl", k.one, "read", flag + id] }]} />`;
  if (entry === undefined) return html`${back}<${Loading} />`;
  if (!entry) return html`${back}<${Empty} title=${`There is no such ${k.one}`}><p>It may have been deleted.</p></>`;
  const links = (list, to) => (list ?? []).map((l) => html`<a class="held" href=${link("access", [to, l.ID])} onClick=${go}>${l.Name}</a> `);
  return html`${back}<h2>${k.name(entry)}</h2><div class="card inside">
      <${Pairs} of=${{ ID: k.id(entry), Description: entry.Description, Created: entry.CreateTime, Expires: entry.ExpirationTime, "Auth method": entry.AuthMethod, Type: entry.Type,
        Services: names(entry.ServiceIdentities), Nodes: names(entry.NodeIdentities), Templates: names(entry.TemplatedPolicies), Datacenters: (entry.Datacenters ?? []).join(", ") }} />
      ${entry.Policies?.length > 0 && html`<p>Policies ${links(entry.Policies, "policies")}</p>`}
      ${entry.Roles?.length > 0 && html`<p>Roles ${links(entry.Roles, "roles")}</p>`}
      ${kind === "policies" && html`<${Rules} policy=${entry} path=${path} />`}</div>
    ${kind === "tokens" && html`<${Explain} accessor=${k.id(entry)} />`}${same}`;
}

/** The rules of a policy; who may write them has them checked by the servers, which know the language. */
function Rules({ policy, path }) {
  const [mayWrite] = useMay("acl:write");
  const [draft, setDraft] = useState(/** @type {string | null} */ (null));
  const [fault, setFault] = useState(null);
  const builtIn = policy.ID.startsWith("00000000-0000-0000-0000-0000000000");
  const text = draft ?? policy.Rules ?? "";
  const body = JSON.stringify({ Name: policy.Name, Description: policy.Description, Datacenters: policy.Datacenters, Rules: text });
  const save = async (event) => {
    event.preventDefault();
    setFault(null);
    try { await put(path, { body }); setDraft(null); announce("Saved."); } catch (error) { setFault(error); }
  };
  if (!mayWrite || builtIn) return html`<pre tabindex="0" aria-label="Rules"><${Colored} format="HCL" text=${text} /></pre>`;
  return html`<form onSubmit=${save}><label>Rules<textarea id="rules" rows=${Math.min(30, Math.max(6, text.split("\n").length + 1))} spellcheck=${false} value=${text} onInput=${(e) => setDraft(e.target.value)}></textarea></label>
    <${FormatFault} format="rules" text=${text} />
    ${fault && html`<p class="fault" role="alert">${fault.message}</p>`}
    <p class="buttons"><button type="submit" class="primary" disabled=${draft === null || draft === policy.Rules}>Save</button>
      <button type="button" disabled=${draft === null} onClick=${() => setDraft(null)}>Undo</button></p></form>`;
}
