// The list of nodes, and one node with what is on it.
import { html, useMemo } from "./vendor/htm-preact.js";
import { useLive, useOnce } from "./api.js";
import { byHealth, roundTrip, tally, worst } from "./health.js";
import { Checks, Dot, Empty, Health, Loading, Pairs, Search, StatusFilter, Tags, useShown } from "./parts.js";
import { go, here, link, useQuery, useTitle } from "./router.js";

/** Tells whether a node is where the leader answers, by its address. */
const leads = (leader, address) => Boolean(leader) && (leader.startsWith(address + ":") || leader.startsWith(`[${address}]:`));

const Leader = () => html`<span class="badge leader">leader</span>`;

function indexed(n) {
  const meta = Object.entries(n.Meta ?? {}).map(([k, v]) => `${k}=${v}`);
  return {
    name: n.Node, id: n.ID, address: n.Address, status: n.Status, services: n.ServiceCount,
    count: { passing: n.ChecksPassing, warning: n.ChecksWarning, critical: n.ChecksCritical },
    text: [n.Node, n.Address, n.ID, ...meta].join("\n").toLowerCase(),
  };
}

export function Nodes({ self }) {
  useTitle("Nodes", here().datacenter);
  const data = useLive("/v1/internal/ui/nodes", { health: "" });
  const leader = useOnce("/v1/status/leader", [data]);
  const [query, setQuery] = useQuery("q");
  const [status, setStatus] = useQuery("status");
  const all = useMemo(() => data?.map(indexed).sort((a, b) => byHealth(a.status, b.status)), [data]);
  const wanted = query.trim().toLowerCase();
  const found = useMemo(() => (all ?? []).filter((n) => n.text.includes(wanted)), [all, wanted]);
  const count = useMemo(() => tally(found, (n) => n.status), [found]);
  const rows = useMemo(() => (status ? found.filter((n) => n.status === status) : found), [found, status]);
  const [shown, rest] = useShown(rows, wanted + "\n" + status);
  if (!all) return html`<h1>Nodes</h1><${Loading} />`;
  return html`<h1>Nodes <span class="number">${all.length}</span></h1>
    <div class="tools"><${Search} value=${query} onInput=${setQuery} placeholder="Search by name, address, ID or meta" />
      <${StatusFilter} value=${status} onChange=${setStatus} count=${count} /></div>
    ${shown.length ? html`<table id="nodes" class="list"><thead><tr><th scope="col">Node</th><th scope="col">Address</th><th scope="col">Services</th><th scope="col">All checks</th></tr></thead>
      <tbody>${shown.map((n) => html`<tr key=${n.name}>
        <td class="name"><a href=${link("nodes", n.name)} onClick=${go}><${Dot} status=${n.status} /><span>${n.name}</span></a>
          ${leads(leader, n.address) && html`<${Leader} />`}${self?.NodeName === n.name && html`<span class="badge">this agent</span>`}</td>
        <td><code>${n.address}</code></td>
        <td class="numeric">${n.services}<span class="label"> ${n.services === 1 ? "service" : "services"}</span></td>
        <td><${Health} count=${n.count} none="no checks" /></td></tr>`)}</tbody></table>${rest}`
      : html`<${Empty} title="No node matches"><p>Try another search or another status.</p></>`}`;
}

export function Node({ name, self }) {
  useTitle(name, "Nodes", here().datacenter);
  const node = useLive("/v1/internal/ui/node/" + encodeURIComponent(name));
  const leader = useOnce("/v1/status/leader", [node]);
  const back = html`<p class="back"><a href=${link("nodes")} onClick=${go}>‹ Nodes</a></p>`;
  const own = useMemo(() => byService(node?.Checks ?? []), [node]);
  const services = useMemo(() => (node?.Services ?? []).map((s) => {
    const checks = own.get(s.ID) ?? [];
    return { ...s, checks, status: worst([...checks, ...(own.get("") ?? [])]) }; // what ails the node ails all on it
  }).sort((a, b) => byHealth(a.status, b.status)), [node]);
  const [shown, rest] = useShown(services, name);
  if (node === undefined) return html`${back}<h1>${name}</h1><${Loading} />`;
  if (node === null) {
    return html`${back}<h1>${name}</h1><${Empty} title="There is no such node">
      <p>It may have left, been removed, or never have been here. <a href=${link("nodes")} onClick=${go}>See all nodes</a>.</p></>`;
  }
  const checks = own.get("") ?? [];
  return html`${back}<h1><${Dot} status=${worst(checks)} /> ${node.Node}${leads(leader, node.Address) && html` <${Leader} />`}</h1>
    <p class="under"><code>${node.Address}</code>${node.ID && html` <code class="muted">${node.ID}</code>`}</p>
    <h2>Services <span class="number">${services.length}</span></h2>
    ${shown.map((s) => html`<details key=${s.ID} class="card" open=${worst(s.checks) !== "passing"}>
      <summary><span class="who"><${Dot} status=${s.status} /> <b><a href=${link("services", s.Service)} onClick=${go}>${s.Service}</a></b></span>
        ${s.ID !== s.Service && html`<span>${s.ID}</span>`}
        ${s.Port ? html`<code>${s.Address || node.Address}:${s.Port}</code>` : null}<${Tags} tags=${s.Tags} />
        <${Health} count=${tally(s.checks, (c) => worst([c]))} none="no checks" /></summary>
      <div class="inside"><${Checks} checks=${s.checks} /><${Pairs} of=${s.Meta} /></div></details>`)}${rest}
    ${!services.length && html`<p class="muted">No service is registered on this node.</p>`}
    <h2>Node checks</h2><div class="card inside"><${Checks} checks=${checks} /></div>
    <${RoundTrips} name=${node.Node} self=${self} />
    <h2>Addresses and metadata</h2>
    <div class="card inside"><${Pairs} of=${{ address: node.Address, ...node.TaggedAddresses }} /><${Pairs} of=${node.Meta} /></div>`;
}

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
  return html`<h2>Round trips</h2><div class="card inside">
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
