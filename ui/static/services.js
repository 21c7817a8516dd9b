// The list of services, and one service with its instances.
import { html, useMemo, useState } from "./vendor/htm-preact.js";
import { put, useLive } from "./api.js";
import { byHealth, tally, worst, worstOf } from "./health.js";
import { Checks, Command, Confirm, Dot, Empty, Health, Loading, Pairs, Search, StatusFilter, Tags, useShown } from "./parts.js";
import { go, here, link, useQuery, useTitle } from "./router.js";

/** What the list needs of a summary, worked out once per update. */
function indexed(summary) {
  const count = { passing: summary.InstancesPassing, warning: summary.InstancesWarning, critical: summary.InstancesCritical };
  const tags = summary.Tags ?? [], sources = summary.ExternalSources ?? [];
  return {
    name: summary.Name, kind: summary.Kind, tags, sources, nodes: summary.Nodes?.length ?? 0,
    mesh: summary.ConnectedWithProxy || summary.ConnectNative,
    count, status: worstOf(count), text: [summary.Name, summary.Kind, ...tags, ...sources].join("\n").toLowerCase(),
  };
}

export function Services() {
  useTitle("Services", here().datacenter);
  const data = useLive("/v1/internal/ui/services", { health: "" });
  const [query, setQuery] = useQuery("q");
  const [status, setStatus] = useQuery("status");
  const [order, setOrder] = useQuery("sort", "health");
  const all = useMemo(() => data?.map(indexed), [data]);
  const wanted = query.trim().toLowerCase();
  const found = useMemo(() => (all ?? []).filter((s) => s.text.includes(wanted)), [all, wanted]);
  const count = useMemo(() => tally(found, (s) => s.status), [found]);
  const rows = useMemo(() => {
    const chosen = status ? found.filter((s) => s.status === status) : found;
    return order === "name" ? chosen : [...chosen].sort((a, b) => byHealth(a.status, b.status)); // stable: by name within a state
  }, [found, status, order]);
  const [shown, rest] = useShown(rows, wanted + "\n" + status + "\n" + order);
  if (!all) return html`<h1>Services</h1><${Loading} />`;
  return html`<h1>Services <span class="number">${all.length}</span></h1>
    <div class="tools"><${Search} value=${query} onInput=${setQuery} placeholder="Search by name or tag" />
      <${StatusFilter} value=${status} onChange=${setStatus} count=${count} />
      <label class="sort">Sort <select value=${order} onChange=${(e) => setOrder(e.target.value)}>
        <option value="health">unhealthy first</option><option value="name">by name</option></select></label></div>
    ${shown.length ? html`<table id="services" class="list"><thead><tr><th scope="col">Service</th><th scope="col">Instances</th><th scope="col">Nodes</th><th scope="col">Tags</th></tr></thead>
      <tbody>${shown.map((s) => html`<${Row} key=${s.name} service=${s} />`)}</tbody></table>${rest}`
      : html`<${Empty} title=${all.length ? "No service matches" : "No service is registered"}><p>Try another search or another status.</p></>`}
    ${all.every((s) => s.name === "consul") && html`<${FirstService} />`}`;
}

const Row = ({ service: s }) => html`<tr>
  <td class="name"><a href=${link("services", s.name)} onClick=${go}><${Dot} status=${s.status} /><span>${s.name}</span></a>
    ${s.kind && html`<span class="badge">${s.kind}</span>`}${s.mesh && html`<span class="badge">mesh</span>`}
    ${s.sources.map((source) => html`<span class="badge">${source}</span>`)}</td>
  <td><${Health} count=${s.count} /></td>
  <td class="numeric"><span class="label">on </span>${s.nodes}<span class="label"> ${s.nodes === 1 ? "node" : "nodes"}</span></td>
  <td><${Tags} tags=${s.tags} /></td></tr>`;

const FirstService = () => html`<${Empty} title="Register a first service">
  <p>Run this on a machine with an agent. It appears here at once:</p>
  <${Command}>praetor services register -name=web -port=8080 -tag=v1</>
  <p>To have its health watched as well, put this into a file, say <code>web.json</code>:</p>
  <${Command}>${`{
  "service": {
    "name": "web",
    "port": 8080,
    "check": {"http": "http://localhost:8080/health", "interval": "10s"}
  }
}`}</>
  <p>and register that:</p>
  <${Command}>praetor services register web.json</></>`;

function indexedInstance({ Node, Service, Checks: checks }) {
  const address = (Service.Address || Node.Address) + (Service.Port ? ":" + Service.Port : "");
  const meta = Object.entries(Service.Meta ?? {}).map(([k, v]) => `${k}=${v}`);
  return {
    key: Node.Node + "\0" + Service.ID, node: Node, service: Service, checks, address, status: worst(checks),
    count: tally(checks, (c) => worst([c])),
    text: [Service.ID, Node.Node, address, ...(Service.Tags ?? []), ...meta, ...checks.map((c) => c.Name)].join("\n").toLowerCase(),
  };
}

export function Service({ name }) {
  useTitle(name, "Services", here().datacenter);
  const data = useLive("/v1/health/service/" + encodeURIComponent(name));
  const [query, setQuery] = useQuery("q");
  const [status, setStatus] = useQuery("status");
  const [doomed, setDoomed] = useState(null);
  const all = useMemo(() => data?.map(indexedInstance).sort((a, b) => byHealth(a.status, b.status)), [data]);
  const tags = useMemo(() => [...new Set((all ?? []).flatMap((i) => i.service.Tags ?? []))].sort(), [all]);
  const wanted = query.trim().toLowerCase();
  const found = useMemo(() => (all ?? []).filter((i) => i.text.includes(wanted)), [all, wanted]);
  const count = useMemo(() => tally(found, (i) => i.status), [found]);
  const rows = useMemo(() => (status ? found.filter((i) => i.status === status) : found), [found, status]);
  const [shown, rest] = useShown(rows, wanted + "\n" + status);
  const back = html`<p class="back"><a href=${link("services")} onClick=${go}>‹ Services</a></p>`;
  if (!all) return html`${back}<h1>${name}</h1><${Loading} />`;
  if (!all.length) {
    return html`${back}<h1>${name}</h1><${Empty} title="No instance is registered">
      <p>The last one may have been deregistered. This page shows the next one as soon as it comes.</p></>`;
  }
  return html`${back}<h1><${Dot} status=${worst(all.flatMap((i) => i.checks))} /> ${name} <span class="number">${all.length}</span></h1>
    ${tags.length > 0 && html`<p class="under"><${Tags} tags=${tags} most=${20} /></p>`}
    <div class="tools"><${Search} value=${query} onInput=${setQuery} placeholder="Search by ID, node, address, tag, meta or check" />
      <${StatusFilter} value=${status} onChange=${setStatus} count=${count} /></div>
    ${shown.map((i) => html`<${Instance} key=${i.key} instance=${i} open=${all.length === 1} onRemove=${() => setDoomed(i)} />`)}${rest}
    ${!shown.length && html`<${Empty} title="No instance matches"><p>Try another search or another status.</p></>`}
    ${doomed && html`<${Deregister} instance=${doomed} onClose=${() => setDoomed(null)} />`}`;
}

function Instance({ instance: i, open: first, onRemove }) {
  const [open, setOpen] = useState(first || i.status !== "passing");
  return html`<details class="card" open=${open} onToggle=${(e) => setOpen(e.currentTarget.open)}>
    <summary><span class="who"><${Dot} status=${i.status} /> <b>${i.service.ID}</b></span>
      <code>${i.address}</code>
      <span>on <a href=${link("nodes", i.node.Node)} onClick=${go}>${i.node.Node}</a></span>
      <${Tags} tags=${i.service.Tags} /><${Health} count=${i.count} none="no checks" /></summary>
    ${open && html`<div class="inside"><${Checks} checks=${i.checks} /><${Pairs} of=${i.service.Meta} />
      <p class="buttons"><button type="button" class="quiet" onClick=${onRemove}>Deregister …</button></p></div>`}</details>`;
}

function Deregister({ instance: { node, service }, onClose }) {
  const run = async () => {
    const body = JSON.stringify({ Datacenter: here().datacenter, Node: node.Node, ServiceID: service.ID });
    const { data } = await put("/v1/catalog/deregister", { query: { evict: "1" }, body });
    return data?.Detail || `${service.ID} on ${node.Node} is deregistered.`;
  };
  return html`<${Confirm} title=${`Deregister ${service.ID}?`} verb="Deregister" run=${run} onClose=${onClose}>
    <p>This instance of <b>${service.Service}</b> on node <b>${node.Node}</b> will no longer be found. The program itself keeps running,
      and may register again.</p></>`;
}
