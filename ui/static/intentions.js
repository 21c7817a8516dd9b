// Intentions: which service may call which.
import { html, useMemo } from "./vendor/htm-preact.js";
import { useLive } from "./live.js";
import { Command, Dot, Empty, Loading, Same, Search, Table } from "./parts.js";
import { go, here, link, useQuery, useTitle } from "./router.js";

const path = "/v1/connect/intentions";

export function Intentions() {
  useTitle("Intentions", here().datacenter);
  const list = useLive(path);
  const [query, setQuery] = useQuery("q");
  const wanted = query.trim().toLowerCase();
  const rows = useMemo(() => (list ?? []).filter((i) => [i.SourceName, i.DestinationName, i.Action, i.Description].join("\n").toLowerCase().includes(wanted))
    .sort((a, b) => b.Precedence - a.Precedence), [list, wanted]);
  const service = (name) => (name === "*" ? html`<b>all services</b>` : html`<a href=${link("services", name)} onClick=${go}><span>${name}</span></a>`);
  return html`<h1>Intentions ${list && html`<span class="number">${list.length}</span>`}</h1>
    ${!list ? html`<${Loading} />` : !list.length ? html`<${Empty} title="There are no intentions">
        <p>They say which service may call which, by certificate. Without one the default policy decides. Let web call db:</p>
        <${Command}>praetor intention create web db</></>`
      : html`<div class="tools"><${Search} value=${query} onInput=${setQuery} placeholder="Search by service or description" /></div>
        <${Table} id="intentions" heads=${["From", "To", "", "Precedence", "Description"]} list=${rows} keyOf=${(i) => i.ID || i.SourceName + "\0" + i.DestinationName} row=${(i) => html`
          <td class="name">${service(i.SourceName)}</td><td class="name">${service(i.DestinationName)}</td>
          <td>${i.Permissions?.length ? html`<span class="tag">${i.Permissions.length} HTTP rules</span>` : html`<${Dot} status=${i.Action === "allow" ? "passing" : "critical"} />${i.Action}`}</td>
          <td class="numeric">${i.Precedence}</td><td>${i.Description}</td>`} />`}
    <${Same} of=${[{ path, cli: ["intention", "list"] }]} />`;
}
