import { html, render, useEffect, useState } from "./vendor/htm-preact.js";
import { follow, get } from "./api.js";
import { summarize, worst } from "./health.js";

const base = new URL(document.baseURI).pathname;

/** The page's path below the UI's base, decoded, as a list. */
const here = () => location.pathname.slice(base.length).split("/").filter(Boolean).map(decodeURIComponent);

function go(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  history.pushState(null, "", event.currentTarget.href);
  dispatchEvent(new PopStateEvent("popstate"));
}

const link = (...parts) => base + parts.map(encodeURIComponent).join("/");

/** Follows a path for as long as the component lives. */
function useLive(path, report) {
  const [data, setData] = useState(null);
  useEffect(() => {
    setData(null);
    return follow(path, (d) => { setData(d); report(null); }, report);
  }, [path]);
  return data;
}

const Dot = ({ status }) => html`<span class="dot ${status}" title=${status}></span>`;
const Tags = ({ tags }) => (tags ?? []).map((t) => html`<span class="tag">${t}</span>`);

function Search({ value, onInput, placeholder }) {
  return html`<input class="search" type="search" autofocus placeholder=${placeholder} value=${value}
    aria-label=${placeholder} onInput=${(e) => onInput(e.target.value)} />`;
}

function Empty({ data, children }) {
  return html`<p class="empty">${data === null ? "Loading …" : children}</p>`;
}

function Counts({ service }) {
  if (!service.checked) return html`<span class="muted">no checks</span>`;
  return ["passing", "warning", "critical"].filter((s) => service.count[s]).map(
    (s) => html`<span class="count"><${Dot} status=${s} /> ${service.count[s]} ${s}</span>`);
}

function Services({ report }) {
  const services = useLive("/v1/catalog/services", report);
  const checks = useLive("/v1/health/state/any", report);
  const [query, setQuery] = useState("");
  const all = services && checks ? summarize(services, checks) : null;
  const wanted = query.toLowerCase();
  const rows = (all ?? []).filter((s) => s.name.toLowerCase().includes(wanted) || s.tags.some((t) => t.toLowerCase().includes(wanted)));
  const state = (s) => ["critical", "warning"].find((k) => s.count[k]) ?? "passing";
  return html`<h1>Services <span class="muted">${all ? all.length : ""}</span></h1>
    <${Search} value=${query} onInput=${setQuery} placeholder="Search by name or tag" />
    ${rows.length ? html`<table id="services"><thead><tr><th>Service</th><th>Health</th><th>Tags</th></tr></thead><tbody>
      ${rows.map((s) => html`<tr key=${s.name}>
        <td><a href=${link("services", s.name)} onClick=${go}><${Dot} status=${state(s)} /> ${s.name}</a></td>
        <td><${Counts} service=${s} /></td><td><${Tags} tags=${s.tags} /></td></tr>`)}
    </tbody></table>` : html`<${Empty} data=${all}>No service matches. Register one: <code>praetor services register -name=web -port=8080</code></>`}`;
}

function Checks({ checks }) {
  return html`<ul class="checks">${checks.map((c) => html`<li key=${c.CheckID}>
    <${Dot} status=${c.Status} /> <b>${c.Name}</b> <code>${c.CheckID}</code>
    ${c.Notes && html`<p class="muted">${c.Notes}</p>`}${c.Output && html`<pre>${c.Output}</pre>`}</li>`)}</ul>`;
}

function Service({ name, report }) {
  const instances = useLive("/v1/health/service/" + encodeURIComponent(name), report);
  return html`<p><a href=${link("services")} onClick=${go}>‹ All services</a></p>
    <h1>${name} <span class="muted">${instances ? instances.length : ""}</span></h1>
    ${instances?.length ? instances.map(({ Node, Service, Checks: checks }) => html`<details key=${Node.Node + Service.ID} open=${worst(checks) !== "passing"}>
      <summary><${Dot} status=${worst(checks)} /> <b>${Service.ID}</b>${" "}
        <code>${Service.Address || Node.Address}${Service.Port ? ":" + Service.Port : ""}</code>
        ${" on "}<a href=${link("nodes", Node.Node)} onClick=${go}>${Node.Node}</a> <${Tags} tags=${Service.Tags} /></summary>
      <${Checks} checks=${checks} /></details>`) : html`<${Empty} data=${instances}>No instance is registered.</>`}`;
}

function Nodes({ report }) {
  const nodes = useLive("/v1/catalog/nodes", report);
  const checks = useLive("/v1/health/state/any", report);
  const [query, setQuery] = useState("");
  const byNode = Map.groupBy(checks ?? [], (c) => c.Node);
  const wanted = query.toLowerCase();
  const rows = (nodes ?? []).filter((n) => n.Node.toLowerCase().includes(wanted) || n.Address.includes(wanted));
  return html`<h1>Nodes <span class="muted">${nodes ? nodes.length : ""}</span></h1>
    <${Search} value=${query} onInput=${setQuery} placeholder="Search by name or address" />
    ${rows.length ? html`<table id="nodes"><thead><tr><th>Node</th><th>Address</th><th>Checks</th><th>ID</th></tr></thead><tbody>
      ${rows.map((n) => html`<tr key=${n.Node}>
        <td><a href=${link("nodes", n.Node)} onClick=${go}><${Dot} status=${worst(byNode.get(n.Node) ?? [])} /> ${n.Node}</a></td>
        <td><code>${n.Address}</code></td><td>${(byNode.get(n.Node) ?? []).length}</td><td><code>${n.ID.slice(0, 8)}</code></td></tr>`)}
    </tbody></table>` : html`<${Empty} data=${nodes}>No node matches.</>`}`;
}

function Node({ name, report }) {
  const node = useLive("/v1/catalog/node/" + encodeURIComponent(name), report);
  const checks = useLive("/v1/health/node/" + encodeURIComponent(name), report);
  const services = Object.values(node?.Services ?? {});
  const own = (id) => (checks ?? []).filter((c) => c.ServiceID === id);
  return html`<p><a href=${link("nodes")} onClick=${go}>‹ All nodes</a></p>
    <h1>${name} <code>${node?.Node.Address}</code></h1>
    <h2>Node checks</h2><${Checks} checks=${own("")} />
    <h2>Services</h2>
    ${services.length ? services.map((s) => html`<details key=${s.ID} open><summary><${Dot} status=${worst(own(s.ID))} />
      ${" "}<b>${s.ID}</b> <a href=${link("services", s.Service)} onClick=${go}>${s.Service}</a>${" "}
      ${s.Port ? html`<code>:${s.Port}</code>` : ""} <${Tags} tags=${s.Tags} /></summary><${Checks} checks=${own(s.ID)} /></details>`)
      : html`<p class="muted">No services.</p>`}`;
}

function App() {
  const [path, setPath] = useState(here());
  const [error, report] = useState(null);
  const [self, setSelf] = useState(null);
  useEffect(() => {
    const moved = () => setPath(here());
    addEventListener("popstate", moved);
    get("/v1/agent/self").then((a) => setSelf(a.data), report);
    return () => removeEventListener("popstate", moved);
  }, []);
  const [section = "services", name] = path;
  const tab = (id, title) => html`<a href=${link(id)} onClick=${go} class=${section === id ? "current" : ""}>${title}</a>`;
  const page = section === "nodes"
    ? (name ? html`<${Node} name=${name} report=${report} />` : html`<${Nodes} report=${report} />`)
    : (name ? html`<${Service} name=${name} report=${report} />` : html`<${Services} report=${report} />`);
  return html`<header><a class="brand" href=${base} onClick=${go}><img src="icon.svg" alt="" /> Praetor</a>
      <nav>${tab("services", "Services")}${tab("nodes", "Nodes")}</nav>
      <span class="where">${self && html`${self.Config.Datacenter} · ${self.Config.NodeName} · ${self.Config.Server ? "server" : "client"}`}</span></header>
    ${error && html`<p class="error" role="alert">The agent does not answer: ${error.message}. Trying again …</p>`}
    <main>${page}</main>`;
}

const root = document.getElementById("app");
root.replaceChildren(); // what stood there while this file was loading
render(html`<${App} />`, root);
