// Whom a service calls in the mesh, and who calls it.
import { html } from "./vendor/htm-preact.js";
import { worstOf } from "./health.js";
import { useLive } from "./live.js";
import { Dot } from "./parts.js";
import { go, link } from "./router.js";

export const topologyPath = (name) => "/v1/internal/ui/service-topology/" + encodeURIComponent(name);

/** Why a service is taken for a neighbour. */
const because = {
  "proxy-registration": "a proxy is registered with it as an upstream",
  "specific-intention": "proxies are transparent, and an intention names both",
  "wildcard-intention": "proxies are transparent, and an intention is about all services",
  "default-allow": "proxies are transparent, and all is allowed that no intention is about",
};

/** What intentions say, in a word, as a state, and at length. */
function verdict({ Allowed, HasPermissions, HasExact, ExternalSource }) {
  const by = HasExact ? "an intention about these two" + (ExternalSource ? `, made by ${ExternalSource}` : "") : "an intention about all services, or the default";
  if (Allowed) return { word: "allowed", status: "passing", by };
  if (HasPermissions) return { word: "some requests", status: "warning", by };
  return { word: "denied", status: "critical", by };
}

function Neighbour({ of }) {
  const says = verdict(of.Intention);
  const status = worstOf({ passing: of.ChecksPassing, warning: of.ChecksWarning, critical: of.ChecksCritical });
  return html`<li class=${says.status} title=${`${because[of.Source] ?? of.Source}; ${says.word} by ${says.by}`}>
    <a href=${link("services", of.Name)} onClick=${go}><${Dot} status=${status} /> <span>${of.Name}</span></a> <span class="verdict">${says.word}</span></li>`;
}

const Side = ({ title, list, none }) => html`<div><h2>${title}</h2>
  ${list.length ? html`<ul>${list.map((n) => html`<${Neighbour} key=${n.Name} of=${n} />`)}</ul>` : html`<p class="muted">${none}</p>`}</div>`;

/** The service between those who call it and those that it calls; nothing if it has no neighbour. */
export function Topology({ name }) {
  const data = useLive(topologyPath(name), { kind: "" });
  if (!data || !data.Upstreams.length && !data.Downstreams.length) return null;
  return html`<section class="topology" aria-label="Topology">
    <${Side} title="Called by" list=${data.Downstreams} none="no service that is known" />
    <p class="center"><span aria-hidden="true">→</span> <b>${name}</b> <span class="muted">${data.Protocol}${data.TransparentProxy && ", transparent"}</span> <span aria-hidden="true">→</span></p>
    <${Side} title="Calls" list=${data.Upstreams} none="no service that is known" />
    <p class="foot"><a href=${link("intentions")} onClick=${go}>Intentions</a> say who may call whom.${data.FilteredByACLs && " Some services are not shown: the token may not read them."}</p></section>`;
}
