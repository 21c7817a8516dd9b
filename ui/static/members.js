// Who is there, as gossip says.
import { html, useMemo, useState } from "./vendor/htm-preact.js";
import { ForceLeave } from "./actions.js";
import { useMay } from "./api.js";
import { useLive } from "./live.js";
import { Dot, Empty, Loading, Same, Search, Table } from "./parts.js";
import { go, link, useQuery, useTitle } from "./router.js";

/** serf's states, with what they mean for whoever looks. */
const status = { 1: ["alive", "passing"], 2: ["leaving", "warning"], 3: ["left", "warning"], 4: ["failed", "critical"] };
const every = 3000; // ms

export function Members() {
  useTitle("Members");
  const [pool, setPool] = useQuery("pool", "lan");
  const wan = pool === "wan";
  const data = useLive("/v1/agent/members", wan ? { wan: "1" } : {}, every);
  const [query, setQuery] = useQuery("q");
  const [leaving, setLeaving] = useState(null);
  const [mayForce] = useMay("operator:write");
  const wanted = query.trim().toLowerCase();
  const rows = useMemo(() => (data ?? []).filter((m) => [m.Name, m.Addr, ...Object.values(m.Tags ?? {})].join("\n").toLowerCase().includes(wanted))
    .sort((a, b) => Number(b.Status === 4) - Number(a.Status === 4) || (a.Name < b.Name ? -1 : 1)), [data, wanted]);
  const choice = (id, text) => html`<button type="button" class="chip" aria-pressed=${pool === id ? "true" : "false"} onClick=${() => setPool(id)}>${text}</button>`;
  return html`<h1>Members ${data && html`<span class="number">${data.length}</span>`}</h1>
    <p class="under muted">${wan ? "Servers of all datacenters, as this server's gossip knows them." : "Agents of this agent's datacenter, as its gossip knows them."}</p>
    <div class="tools"><${Search} value=${query} onInput=${setQuery} placeholder="Search by name, address or tag" />
      <div class="chips" role="group" aria-label="Pool">${choice("lan", "LAN")}${choice("wan", "WAN")}</div></div>
    ${!data ? html`<${Loading} />` : !rows.length ? html`<${Empty} title=${data.length ? "No member matches" : "There are no members"}>
        <p>${wan && !data.length ? "Client agents are in no WAN pool: ask a server." : "Try another search."}</p></>`
      : html`<${Table} id="members" heads=${["Member", "Address", "Role", "Version", "Datacenter", ""]} list=${rows} keyOf=${(m) => m.Name} row=${(m) => {
        const [word, health] = status[m.Status] ?? ["unknown", "warning"];
        const server = m.Tags?.role === "consul";
        return html`<td class="name">${wan ? html`<b><${Dot} status=${health} />${m.Name}</b>` : html`<a href=${link("nodes", m.Name, {}, "")} onClick=${go}><${Dot} status=${health} /><span>${m.Name}</span></a>`}
            ${m.Status !== 1 && html` <span class=${"count " + health}>${word}</span>`}</td>
          <td><code>${m.Addr}:${m.Port}</code></td><td>${server ? "server" : "client"}</td><td>${(m.Tags?.build ?? "").split(":")[0]}</td><td>${m.Tags?.dc}</td>
          <td>${mayForce && m.Status === 4 && html`<button type="button" class="quiet" onClick=${() => setLeaving(m)}>Force leave …</button>`}</td>`;
      }} />`}
    <${Same} of=${[{ path: "/v1/agent/members", query: wan ? { wan: "1" } : {}, cli: ["members", wan ? "-wan" : ""] }]} />
    ${leaving && html`<${ForceLeave} member=${leaving} onClose=${() => setLeaving(null)} />`}`;
}
