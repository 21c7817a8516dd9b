// The list of services, and one service with its instances.
import { html, useMemo, useState } from "./vendor/htm-preact.js";
import { Deregister, Maintenance } from "./actions.js";
import { useMay } from "./api.js";
import { byHealth, tally, watch, worst, worstOf } from "./health.js";
import { ServiceHistory } from "./history.js";
import { useLive } from "./live.js";
import { Dashboards, Metrics } from "./metrics.js";
import { Checks, Command, Copy, Dot, Empty, Fold, Health, Loading, Long, Pairs, Same, Search, StatusFilter, Table, Tags } from "./parts.js";
import { go, here, link, useQuery, useTitle } from "./router.js";
import { Topology, topologyPath } from "./topology.js";

/** What the list needs of a summary, worked out once per update. */
function indexed(summary) {
  const count = { passing: summary.InstancesPassing, warning: summary.InstancesWarning, critical: summary.InstancesCritical };
  const tags = summary.Tags ?? [], sources = summary.ExternalSources ?? [];
  return {
    name: summary.Name, kind: summary.Kind, tags, sources, nodes: summary.Nodes?.length ?? 0,
    mesh: summary.ConnectedWithProxy || summary.ConnectNative,
    count, status: worstOf(count), text: [summary.Name, summary.Kind, ...tags, ...sources, ...(summary.Nodes ?? [])].join("\n").toLowerCase(),
  };
}

export function Services() {
  useTitle("Services", here().datacenter);
  const data = useLive("/v1/internal/ui/services", { health: "" });
  const [query, setQuery] = useQuery("q");
  const [status, setStatus] = useQuery("status");
  const [order, setOrder] = useQuery("sort", "health");
  const all = useMemo(() => data?.filter((s) => s.Kind !== "connect-proxy").map(indexed), [data]); // they show at what they stand before
  const wanted = query.trim().toLowerCase();
  const found = useMemo(() => (all ?? []).filter((s) => s.text.includes(wanted)), [all, wanted]);
  const count = useMemo(() => tally(found, (s) => s.status), [found]);
  const rows = useMemo(() => {
    const chosen = status ? found.filter((s) => s.status === status) : found;
    return order === "name" ? chosen : [...chosen].sort((a, b) => byHealth(a.status, b.status)); // stable: by name within a state
  }, [found, status, order]);
  if (!all) return html`<h1>Services</h1><${Loading} />`;
  return html`<h1>Services <span class="number">${all.length}</span></h1>
    <div class="tools"><${Search} value=${query} onInput=${setQuery} placeholder="Search by name, tag or node" />
      <${StatusFilter} value=${status} onChange=${setStatus} count=${count} />
      <label class="sort">Sort <select value=${order} onChange=${(e) => setOrder(e.target.value)}>
        <option value="health">unhealthy first</option><option value="name">by name</option></select></label></div>
    ${rows.length ? html`<${Table} id="services" heads=${["Service", "Instances", "Nodes", "Tags"]} list=${rows} keyOf=${nameOf} row=${cells} />`
      : html`<${Empty} title=${all.length ? "No service matches" : "No service is registered"}><p>Try another search or another status.</p></>`}
    ${all.every((s) => s.name === "consul") && html`<${FirstService} />`}
    <${Same} of=${[{ path: "/v1/internal/ui/services", cli: ["catalog", "services"] }]} />`;
}

const nameOf = (s) => s.name;

const cells = (s) => html`
  <td class="name"><a href=${link("services", s.name)} onClick=${go}><${Dot} status=${s.status} /><span>${s.name}</span></a>
    ${s.kind && html`<span class="badge">${s.kind}</span>`}${s.mesh && html`<span class="badge">mesh</span>`}
    ${s.sources.map((source) => html`<span class="badge">${source}</span>`)}</td>
  <td><${Health} count=${s.count} /></td>
  <td class="numeric"><span class="label">on </span>${s.nodes}<span class="label"> ${s.nodes === 1 ? "node" : "nodes"}</span></td>
  <td><${Tags} tags=${s.tags} /></td>`;

export const FirstService = () => html`<${Empty} title="Register a first service">
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
  watch(checks);
  const address = (Service.Address || Node.Address) + (Service.Port ? ":" + Service.Port : "");
  const meta = Object.entries(Service.Meta ?? {}).map(([k, v]) => `${k}=${v}`);
  return {
    key: Node.Node + "\0" + Service.ID, node: Node, service: Service, checks, address, status: worst(checks),
    count: tally(checks, (c) => worst([c])),
    text: [Service.ID, Node.Node, address, ...(Service.Tags ?? []), ...meta, ...checks.flatMap((c) => [c.Name, c.Output])].join("\n").toLowerCase(),
  };
}

export function Service({ name, self }) {
  useTitle(name, "Services", here().datacenter);
  const path = "/v1/health/service/" + encodeURIComponent(name);
  const data = useLive(path);
  const [query, setQuery] = useQuery("q");
  const [status, setStatus] = useQuery("status");
  const [doomed, setDoomed] = useState(null);
  const [resting, setResting] = useState(null);
  const [mayWrite] = useMay("service:write:" + name);
  const all = useMemo(() => data?.map(indexedInstance).sort((a, b) => byHealth(a.status, b.status)), [data]);
  const tags = useMemo(() => [...new Set((all ?? []).flatMap((i) => i.service.Tags ?? []))].sort(), [all]);
  const wanted = query.trim().toLowerCase();
  const found = useMemo(() => (all ?? []).filter((i) => i.text.includes(wanted)), [all, wanted]);
  const count = useMemo(() => tally(found, (i) => i.status), [found]);
  const rows = useMemo(() => (status ? found.filter((i) => i.status === status) : found), [found, status]);
  const back = html`<p class="back"><a href=${link("services")} onClick=${go}>‹ Services</a></p>`;
  const same = html`<${Same} of=${[{ path, cli: ["catalog", "nodes", "-service=" + name] }, { path: topologyPath(name), query: { kind: "" } }]} />`;
  if (!all) return html`${back}<h1>${name}</h1><${Loading} />`;
  if (!all.length) {
    return html`${back}<h1>${name}</h1><${Empty} title="No instance is registered">
      <p>The last one may have been deregistered. This page shows the next one as soon as it comes.</p></>${same}`;
  }
  return html`${back}<h1><${Dot} status=${worst(all.flatMap((i) => i.checks))} /> ${name} <span class="number">${all.length}</span></h1>
    ${tags.length > 0 && html`<p class="under"><${Tags} tags=${tags} most=${20} /></p>`}
    <${Why} instances=${all} />
    <${Names} name=${name} self=${self} tags=${tags} />
    <${Topology} name=${name} />
    <${ServiceHistory} name=${name} data=${data} />
    <${Dashboards} service=${name} self=${self} /><${Metrics} service=${name} self=${self} />
    <div class="tools"><${Search} value=${query} onInput=${setQuery} placeholder="Search by ID, node, address, tag, meta, check or output" />
      <${StatusFilter} value=${status} onChange=${setStatus} count=${count} /></div>
    <${Long} id="instances" list=${rows} keyOf=${keyOf} guess=${52} item=${(i, at) => html`<${Instance} key=${i.key} index=${at} instance=${i} open=${all.length === 1}
      onRemove=${mayWrite && (() => setDoomed(i))} onRest=${mayWrite && self?.NodeName === i.node.Node && !here().datacenter && (() => setResting(i))} />`} />
    ${!rows.length && html`<${Empty} title="No instance matches"><p>Try another search or another status.</p></>`}
    ${same}
    ${doomed && html`<${Deregister} instance=${doomed} onClose=${() => setDoomed(null)} />`}
    ${resting && html`<${Maintenance} node=${resting.node} service=${resting.service} checks=${resting.checks} onClose=${() => setResting(null)} />`}`;
}

const keyOf = (i) => i.key;
const reasons = 3; // that are spelled out at the top

/** Why a service is not well: which checks, of how many instances, with what they last said. */
function Why({ instances }) {
  const groups = useMemo(() => {
    const byCheck = new Map();
    for (const i of instances) for (const c of i.checks) {
      if (worst([c]) === "passing") continue;
      const key = c.Status + "\0" + (c.Name || c.CheckID);
      if (!byCheck.has(key)) byCheck.set(key, { check: c, on: [] });
      byCheck.get(key).on.push(i);
    }
    return [...byCheck.values()].sort((a, b) => byHealth(worst([a.check]), worst([b.check])) || b.on.length - a.on.length);
  }, [instances]);
  if (!groups.length) return null;
  const says = ({ check }) => (check.Output || "nothing yet").trim().split("\n").at(-1);
  return html`<section class=${"because " + worst(groups.map((g) => g.check))} aria-label="Why"><h2>Why?</h2>
    <ul>${groups.slice(0, reasons).map((g) => html`<li><b>${g.check.Name || g.check.CheckID}</b> is ${g.check.Status}
      ${g.on.length > 1 ? ` at ${g.on.length} of ${instances.length} instances` : ` at ${g.on[0].service.ID} on ${g.on[0].node.Node}`}; it last said: <q>${says(g)}</q></li>`)}
    ${groups.length > reasons && html`<li>and ${groups.length - reasons} more checks below.</li>`}</ul></section>`;
}

/** The names by which DNS finds a service. */
function Names({ name, self, tags }) {
  const domain = (self?.domain ?? "consul").replace(/\.$/, "");
  const dc = here().datacenter ? "." + here().datacenter : "";
  const names = [`${name}.service${dc}.${domain}`, ...tags.filter((t) => /^[\w-]+$/.test(t)).slice(0, 3).map((t) => `${t}.${name}.service${dc}.${domain}`)];
  return html`<p class="names"><span class="muted">DNS</span> ${names.map((n) => html`<${Copy} key=${n} text=${n} />`)}</p>`;
}

function Instance({ instance: i, index, open, onRemove, onRest }) {
  const name = html`<${Dot} status=${i.status} /> <b>${i.service.ID}</b>`;
  const side = html`<code>${i.address}</code><span>on <a href=${link("nodes", i.node.Node)} onClick=${go}>${i.node.Node}</a></span>
    <${Tags} tags=${i.service.Tags} /><${Health} count=${i.count} none="no checks" />`;
  return html`<${Fold} name=${name} side=${side} index=${index} open=${open || i.status !== "passing"}>
    <${Checks} checks=${i.checks} />
    <${Pairs} of=${{ ...addresses(i.service.TaggedAddresses), ...i.service.Meta }} />
    <p class="buttons">${i.address && html`<${Copy} text=${i.address} />`}
      ${onRest && html`<button type="button" onClick=${onRest}>Maintenance …</button>`}
      ${onRemove && html`<button type="button" class="quiet" onClick=${onRemove}>Deregister …</button>`}</p></>`;
}

/** Addresses with a tag each, as text. */
const addresses = (tagged) => Object.fromEntries(Object.entries(tagged ?? {}).map(([tag, a]) => [tag, `${a.Address}:${a.Port}`]));
