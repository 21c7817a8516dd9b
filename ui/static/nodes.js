// The list of nodes, and one node with what is on it.
import { html, useMemo, useState } from "./vendor/htm-preact.js";
import { Maintenance } from "./actions.js";
import { useMay, useOnce } from "./api.js";
import { useLive } from "./live.js";
import { NetworkMap } from "./map.js";
import { byHealth, roundTrip, tally, watch, worst, worstOf } from "./health.js";
import { Checks, Dot, Empty, Fold, Health, Loading, Long, Pairs, Same, Search, StatusFilter, Table, Tags } from "./parts.js";
import { Sessions } from "./sessions.js";
import { go, here, link, useQuery, useTitle } from "./router.js";

/** Tells whether a node is where the leader answers, by its address. */
const leads = (leader, address) => Boolean(leader) && (leader.startsWith(address + ":") || leader.startsWith(`[${address}]:`));

const Leader = () => html`<span class="badge leader">leader</span>`;

function indexed(n) {
  const meta = Object.entries(n.Meta ?? {}).map(([k, v]) => `${k}=${v}`);
  const count = { passing: n.ChecksPassing, warning: n.ChecksWarning, critical: n.ChecksCritical };
  return {
    name: n.Node, id: n.ID, address: n.Address, services: n.ServiceCount,
    count, status: worstOf(count), // of all checks: who looks for what is wrong looks on the machine

    text: [n.Node, n.Address, n.ID, ...meta].join("\n").toLowerCase(),
  };
}

export function Nodes({ self }) {
  useTitle("Nodes", here().datacenter);
  const data = useLive("/v1/internal/ui/nodes", { health: "" });
  const leader = useLive("/v1/status/leader");
  const [query, setQuery] = useQuery("q");
  const [status, setStatus] = useQuery("status");
  const [view, setView] = useQuery("view");
  const [from, setFrom] = useQuery("from");
  const all = useMemo(() => data?.map(indexed).sort((a, b) => byHealth(a.status, b.status) || b.count.critical - a.count.critical), [data]);
  const wanted = query.trim().toLowerCase();
  const found = useMemo(() => (all ?? []).filter((n) => n.text.includes(wanted)), [all, wanted]);
  const count = useMemo(() => tally(found, (n) => n.status), [found]);
  const rows = useMemo(() => (status ? found.filter((n) => n.status === status) : found), [found, status]);
  const statusOf = useMemo(() => { const known = new Map((all ?? []).map((n) => [n.name, n.status])); return (name) => known.get(name) ?? "passing"; }, [all]);
  if (!all) return html`<h1>Nodes</h1><${Loading} />`;
  const choice = (id, text) => html`<button type="button" class="chip" aria-pressed=${view === id ? "true" : "false"} onClick=${() => setView(id)}>${text}</button>`;
  const head = html`<h1>Nodes <span class="number">${all.length}</span></h1><div class="chips tools" role="group" aria-label="View">${choice("", "List")}${choice("map", "Map")}</div>`;
  if (view === "map") return html`${head}<${NetworkMap} self=${self} from=${from} onFrom=${setFrom} statusOf=${statusOf} />`;
  return html`${head}
    <div class="tools"><${Search} value=${query} onInput=${setQuery} placeholder="Search by name, address, ID or meta" />
      <${StatusFilter} value=${status} onChange=${setStatus} count=${count} /></div>
    ${rows.length ? html`<${Table} id="nodes" heads=${["Node", "Address", "Services", "All checks"]} list=${rows} keyOf=${nameOf} row=${(n) => html`
        <td class="name"><a href=${link("nodes", n.name)} onClick=${go}><${Dot} status=${n.status} /><span>${n.name}</span></a>
          ${leads(leader, n.address) && html`<${Leader} />`}${self?.NodeName === n.name && html`<span class="badge">this agent</span>`}</td>
        <td><code>${n.address}</code></td>
        <td class="numeric">${n.services}<span class="label"> ${n.services === 1 ? "service" : "services"}</span></td>
        <td><${Health} count=${n.count} none="no checks" /></td>`} />`
      : html`<${Empty} title="No node matches"><p>Try another search or another status.</p></>`}
    <${Same} of=${[{ path: "/v1/internal/ui/nodes", cli: ["catalog", "nodes"] }]} />`;
}

const nameOf = (n) => n.name;

export function Node({ name, self }) {
  useTitle(name, "Nodes", here().datacenter);
  const node = useLive("/v1/internal/ui/node/" + encodeURIComponent(name));
  const leader = useLive("/v1/status/leader");
  const back = html`<p class="back"><a href=${link("nodes")} onClick=${go}>‹ Nodes</a></p>`;
  const [resting, setResting] = useState(false);
  const [mayWrite] = useMay("node:write:" + name);
  const own = useMemo(() => { watch(node?.Checks ?? []); return byService(node?.Checks ?? []); }, [node]);
  const services = useMemo(() => (node?.Services ?? []).map((s) => {
    const checks = own.get(s.ID) ?? [];
    return { ...s, checks, status: worst([...checks, ...(own.get("") ?? [])]) }; // what ails the node ails all on it
  }).sort((a, b) => byHealth(a.status, b.status)), [node]);
  if (node === undefined) return html`${back}<h1>${name}</h1><${Loading} />`;
  if (node === null) {
    return html`${back}<h1>${name}</h1><${Empty} title="There is no such node">
      <p>It may have left, been removed, or never have been here. <a href=${link("nodes")} onClick=${go}>See all nodes</a>.</p></>`;
  }
  const checks = own.get("") ?? [];
  return html`${back}<h1><${Dot} status=${worst(checks)} /> ${node.Node}${leads(leader, node.Address) && html` <${Leader} />`}</h1>
    <p class="under"><code>${node.Address}</code>${node.ID && html` <code class="muted">${node.ID}</code>`}</p>
    <h2>Services <span class="number">${services.length}</span></h2>
    <${Long} list=${services} keyOf=${idOf} guess=${52} item=${(s, at) => html`<${Fold} key=${s.ID} index=${at} open=${worst(s.checks) !== "passing"}
      name=${html`<${Dot} status=${s.status} /> <b>${s.ID}</b>`}
      side=${html`<a href=${link("services", s.Service)} onClick=${go}>${s.Service}</a>
        ${s.Port ? html`<code>${s.Address || node.Address}:${s.Port}</code>` : null}<${Tags} tags=${s.Tags} />
        <${Health} count=${tally(s.checks, (c) => worst([c]))} none="no checks" />`}>
      <${Checks} checks=${s.checks} /><${Pairs} of=${s.Meta} /></>`} />
    ${!services.length && html`<p class="muted">No service is registered on this node.</p>`}
    <h2>Node checks</h2><div class="card inside"><${Checks} checks=${checks} /></div>
    <${RoundTrips} name=${node.Node} self=${self} />
    <h2>Addresses and metadata</h2>
    <div class="card inside"><${Pairs} of=${{ address: node.Address, ...node.TaggedAddresses }} /><${Pairs} of=${node.Meta} /></div>
    <h2>Sessions</h2><${Sessions} node=${node.Node} />
    ${self?.NodeName === node.Node && !here().datacenter && mayWrite && html`<p class="buttons"><button type="button" onClick=${() => setResting(true)}>Maintenance …</button></p>`}
    <${Same} of=${[{ path: "/v1/internal/ui/node/" + encodeURIComponent(name), cli: ["catalog", "services", "-node=" + name] }]} />
    ${resting && html`<${Maintenance} node=${node} checks=${node.Checks} onClose=${() => setResting(false)} />`}`;
}

const idOf = (s) => s.ID;
const nearest = 10; // nodes to name

/** How far other nodes are, if the servers keep coordinates. */
function RoundTrips({ name, self }) {
  const list = useOnce("/v1/coordinate/nodes");
  if (!Array.isArray(list)) return null;
  const from = list.find((c) => c.Node === name)?.Coord;
  const others = list.filter((c) => c.Node !== name).map((c) => ({ name: c.Node, ms: roundTrip(from, c.Coord) }))
    .filter((o) => o.ms !== null).sort((a, b) => a.ms - b.ms);
  if (!others.length) return null;
  const here = others.find((o) => o.name === self?.NodeName);
  const median = others[Math.floor(others.length / 2)];
  const ms = (o) => `${o.ms.toFixed(2)} ms`;
  return html`<h2>Round trips</h2><div class="card inside"><p class="aside"><a href=${link("nodes", "", { view: "map", from: name })} onClick=${go}>Map of the network</a></p>
    <p>${here && html`${ms(here)} from this agent. `}Half of the nodes are within ${ms(median)}.</p>
    <dl class="pairs">${others.slice(0, nearest).map((o) => html`<div key=${o.name}><dt><a href=${link("nodes", o.name)} onClick=${go}>${o.name}</a></dt><dd>${ms(o)}</dd></div>`)}</dl></div>`;
}

function byService(checks) {
  const groups = new Map();
  for (const c of checks) {
    if (!groups.has(c.ServiceID)) groups.set(c.ServiceID, []);
    groups.get(c.ServiceID).push(c);
  }
  return groups;
}
