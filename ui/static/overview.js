// The first page: the state of the world in one look.
import { html, useEffect, useMemo, useState } from "./vendor/htm-preact.js";
import { RestoreSnapshot, SaveSnapshot, TransferLeader } from "./actions.js";
import { get, useMay, useOnce } from "./api.js";
import { states, watch, worstOf } from "./health.js";
import { RecentChanges } from "./history.js";
import { useLive } from "./live.js";
import { Command, Dot, Health, Loading, Pairs, Same, span } from "./parts.js";
import { go, here, link, useTitle } from "./router.js";
import { FirstService } from "./services.js";

const overviewPath = "/v1/internal/ui/catalog-overview", autopilotPath = "/v1/operator/autopilot/state";

/** The sum of the tallies that an overview keeps by name. */
function sum(list) {
  const count = { passing: 0, warning: 0, critical: 0 };
  for (const t of list ?? []) { count.passing += t.Passing; count.warning += t.Warning; count.critical += t.Critical; }
  return count;
}

export function Overview({ self }) {
  useTitle("Overview", here().datacenter);
  const [mayRead] = useMay("operator:read");
  const data = useLive(mayRead ? overviewPath : "");
  const services = useLive("/v1/internal/ui/services", { health: "" });
  const critical = useLive("/v1/health/state/critical");
  const counts = useMemo(() => {
    if (!services || (mayRead && !data)) return null;
    const named = { passing: 0, warning: 0, critical: 0 };
    const instances = { passing: 0, warning: 0, critical: 0 };
    for (const s of services) {
      const one = { passing: s.InstancesPassing, warning: s.InstancesWarning, critical: s.InstancesCritical };
      named[worstOf(one)]++;
      for (const state of states) instances[state] += one[state];
    }
    // Servers count nodes and checks every 10 s, the first time 10 s after their start.
    const counted = data?.Nodes?.length > 0;
    return { Services: named, Instances: instances, ...(data && { Nodes: counted ? sum(data.Nodes) : null, Checks: counted ? sum(data.Checks) : null }) };
  }, [data, services, mayRead]);
  if (!counts) return html`<h1>Overview</h1><${Loading} />`;
  return html`<h1>Overview</h1>
    <div class="figures">${Object.entries(counts).map(([title, count]) => html`<${Figure} key=${title} title=${title} count=${count} to=${title === "Nodes" ? "nodes" : "services"} />`)}</div>
    <${Critical} checks=${critical} />
    ${services.every((s) => s.Name === "consul") && html`<${FirstService} />`}
    <${Cluster} self=${self} />
    <${RecentChanges} deps=${[services, critical]} />
    <div class="columns"><${Datacenters} self=${self} /><${Certificates} /></div>
    <${Findings} />
    <${Same} of=${[{ path: overviewPath }, { path: autopilotPath, cli: ["operator", "autopilot", "state"] },
      { path: "/v1/catalog/history", query: { since: "15m" }, cli: ["catalog", "history", "-since=15m"] }]} />`;
}

function Figure({ title, count, to }) {
  if (!count) return html`<div class="figure card"><span class="title">${title}</span><b class="big">…</b><span class="muted">not counted yet</span></div>`;
  const total = states.reduce((n, s) => n + count[s], 0);
  return html`<a class="figure card" href=${link(to)} onClick=${go}><span class="title">${title}</span>
    <b class=${"big " + worstOf(count)}>${total}</b><${Health} count=${count} /></a>`;
}

const mostShown = 8;

/** What is red, each with what it last said. */
function Critical({ checks }) {
  useMemo(() => watch(checks ?? []), [checks]);
  if (!checks) return null;
  if (!checks.length) return html`<p class="well"><${Dot} status="passing" /> Nothing is critical.</p>`;
  return html`<section class="because critical" aria-label="Critical now"><h2>Critical now <span class="number">${checks.length}</span></h2>
    <ul>${checks.slice(0, mostShown).map((c) => html`<li key=${c.Node + "\0" + c.CheckID} data-row>
      <a href=${c.ServiceName ? link("services", c.ServiceName) : link("nodes", c.Node)} onClick=${go}>${c.ServiceName || c.Node}</a>
      <span> on ${c.Node}: <b>${c.Name || c.CheckID}</b></span>
      ${c.Output && html` <q>${c.Output.trim().split("\n").at(-1)}</q>`}</li>`)}</ul>
    ${checks.length > mostShown && html`<p><a href=${link("services", "", { status: "critical" })} onClick=${go}>All critical services</a></p>`}</section>`;
}

/** How many servers may fail, in words. */
function tolerance(state) {
  const voters = state.Voters?.length ?? 0, n = state.FailureTolerance;
  if (n > 0) return `The cluster can lose ${n} more ${n === 1 ? "server" : "servers"}.`;
  if (voters === 1) return "The one server is all there is: if it is lost, so is the cluster.";
  return "The cluster cannot lose another server.";
}

const clusterEvery = 2000; // ms

/** The servers, who leads, and where the log is. */
function Cluster({ self }) {
  const [mayRead, mayTransfer, mayAll] = useMay("operator:read", "operator:write", "acl:write");
  const state = useLive(mayRead ? autopilotPath : "", {}, clusterEvery);
  const [asking, setAsking] = useState("");
  const close = () => setAsking("");
  if (!mayRead) return null;
  if (!state?.Servers) return html`<h2>Cluster</h2><p class="muted">The servers have not said yet how they are.</p>`;
  const servers = Object.values(state.Servers).sort((a, b) => (a.Name < b.Name ? -1 : 1));
  const leader = state.Servers[state.Leader];
  return html`<h2>Cluster</h2>
    <p id="cluster"><${Dot} status=${state.Healthy ? "passing" : "critical"} />${servers.length} ${servers.length === 1 ? "server" : "servers"}, ${state.Voters?.length ?? 0} with a vote;
      ${leader ? html` <b>${leader.Name}</b> leads in term ${leader.LastTerm}, commit index <b class="numeric">${leader.LastIndex}</b>.` : " nobody leads."} ${tolerance(state)}</p>
    <table class="list" id="servers"><thead><tr>${["Server", "Address", "Role", "Last contact", "Index", "Stable for"].map((h) => html`<th scope="col">${h}</th>`)}</tr></thead>
      <tbody>${servers.map((s) => html`<tr key=${s.ID}><td class="name"><a href=${link("nodes", s.Name)} onClick=${go}><${Dot} status=${s.Healthy ? "passing" : "critical"} /><span>${s.Name}</span></a>
        ${s.Name === self?.NodeName && html`<span class="badge">this agent</span>`}</td>
        <td><code>${s.Address}</code></td><td>${s.Status}</td><td>${s.LastContact.replace(/\.\d+/, "")}</td><td class="numeric">${s.LastIndex}</td>
        <td>${span((Date.now() - Date.parse(s.StableSince)) / 1000)}</td></tr>`)}</tbody></table>
    ${(mayTransfer || mayAll) && html`<p class="buttons">
      ${mayTransfer && servers.length > 1 && html`<button type="button" onClick=${() => setAsking("transfer")}>Transfer leadership …</button>`}
      ${mayAll && html`<button type="button" onClick=${() => setAsking("save")}>Download snapshot …</button>
        <button type="button" class="quiet" onClick=${() => setAsking("restore")}>Restore snapshot …</button>`}</p>`}
    ${asking === "transfer" && html`<${TransferLeader} leader=${leader?.Name} onClose=${close} />`}
    ${asking === "save" && html`<${SaveSnapshot} onClose=${close} />`}
    ${asking === "restore" && html`<${RestoreSnapshot} onClose=${close} />`}`;
}

function Datacenters({ self }) {
  const list = useOnce("/v1/catalog/datacenters") ?? [];
  const current = here().datacenter || self?.Datacenter || (list.length === 1 ? list[0] : "");
  return html`<section><h2>Datacenters</h2><ul class="plain-list">${list.map((dc) => html`<li key=${dc}>
    ${dc === current ? html`<b>${dc}</b> <span class="muted">shown here</span>` : html`<a href=${link("overview", "", {}, dc === self?.Datacenter ? "" : dc)} onClick=${go}>${dc}</a>`}</li>`)}</ul></section>`;
}

const soon = 30 * 86400; // s

/** Until when the mesh's certificates are good. */
function Certificates() {
  const [mayRead] = useMay("operator:write");
  const roots = useOnce("/v1/connect/ca/roots");
  const config = useOnce(mayRead ? "/v1/connect/ca/configuration" : "");
  const active = roots?.Roots?.find((r) => r.Active ?? r.ID === roots.ActiveRootID);
  if (!active) return null;
  const left = (Date.parse(active.NotAfter) - Date.now()) / 1000;
  return html`<section><h2>Certificates</h2>
    <p><${Dot} status=${left < 0 ? "critical" : left < soon ? "warning" : "passing"} />The mesh's root ${left < 0 ? "has expired" : `is good for ${span(left)}`}, until ${active.NotAfter.slice(0, 10)}.</p>
    <${Pairs} of=${{ "Trust domain": roots.TrustDomain, Provider: config?.Provider, "Leaf certificates live": config?.Config?.LeafCertTTL }} /></section>`;
}

const doctorPath = "/v1/agent/doctor", doctorWithin = 20000; // ms: dead members take their time
const severities = { note: "note", warning: "warning", problem: "critical" };

/** What an examination of the agent, its machine and the cluster finds, with what to do about it. */
function Findings() {
  const [mayRead] = useMay("operator:read");
  const [times, setTimes] = useState(0);
  const [{ all, failed, asking }, setState] = useState(/** @type {any} */ ({ asking: true }));
  useEffect(() => {
    if (!mayRead) return undefined;
    const stop = new AbortController();
    setState((s) => ({ all: s.all, asking: true }));
    get(doctorPath, { signal: stop.signal, within: doctorWithin }).then(
      ({ data }) => setState({ all: data }),
      (error) => { if (!stop.signal.aborted) setState((s) => ({ all: s.all, failed: error.message })); });
    return () => stop.abort();
  }, [mayRead, times]);
  const bad = all?.filter((f) => f.Severity !== "ok"), well = all?.filter((f) => f.Severity === "ok");
  return html`<section id="findings" aria-busy=${mayRead && asking ? "true" : "false"}><h2>Examination</h2>
    ${!mayRead && html`<p>See what is wrong with the agent, its machine and the cluster, with what to do about it:</p>`}
    ${mayRead && !all && asking && html`<p class="muted">The agent looks at itself, its machine and the cluster …</p>`}
    ${failed && html`<p><${Dot} status="warning" />The agent did not say what it finds: ${failed}</p>`}
    ${bad?.length === 0 && html`<p><${Dot} status="passing" />All is well.</p>`}
    ${bad?.length > 0 && html`<ul class="plain-list">${bad.map((f) => html`<li key=${f.About + f.What}><${Dot} status=${severities[f.Severity]} /><b>${f.About}</b>: ${f.What}
      ${f.Cure && html`<p class="muted">→ ${f.Cure}</p>`}</li>`)}</ul>`}
    ${well?.length > 0 && html`<details><summary>${well.length} things are well</summary><ul class="plain-list">${well.map((f) => html`<li key=${f.About + f.What}><b>${f.About}</b>: ${f.What}</li>`)}</ul></details>`}
    ${mayRead && html`<p class="buttons"><button type="button" class="quiet" disabled=${asking} onClick=${() => setTimes(times + 1)}>Examine again</button></p>`}
    <${Command}>praetor doctor</></section>`;
}
