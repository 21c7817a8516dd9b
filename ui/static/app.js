// The page: what stands around the sections, and which of them is shown.
import { html, render, useEffect, useErrorBoundary, useState } from "./vendor/htm-preact.js";
import { Access } from "./access.js";
import { get, setToken, token, useOnce } from "./api.js";
import { Events } from "./events.js";
import { Intentions } from "./intentions.js";
import { Keys } from "./keys.js";
import { KV } from "./kv.js";
import { retry, useConnection, useDenying, useLeader, useTrouble } from "./live.js";
import { Members } from "./members.js";
import { Node, Nodes } from "./nodes.js";
import { Overview } from "./overview.js";
import { Announcements, Dialog, Empty, Loading } from "./parts.js";
import { Queries } from "./queries.js";
import { go, here, link, navigate, sections, usePlace, useTitle } from "./router.js";
import { Service, Services } from "./services.js";
import { SessionsPage } from "./sessions.js";

/** Who answers, once it does. */
function useSelf() {
  const [self, setSelf] = useState(null);
  const trouble = useTrouble();
  useEffect(() => {
    if (!self) get("/v1/agent/self").then(({ data }) => setSelf({ ...data.Config, domain: data.DebugConfig?.DNSDomain }), () => {});
  }, [trouble]);
  return self;
}

const clock = (time) => new Date(time).toLocaleTimeString();

/** Says that there is no leader, and how old what is shown is. */
function Leaderless({ leader }) {
  if (!leader.lost && !leader.silent) return null;
  return html`<div class="trouble" id="leaderless" role="alert"><p>${leader.silent
    ? html`<b>The servers do not answer.</b> They are stopped, overloaded or cut off.` : html`<b>No leader: nothing can be changed.</b>`}
    ${" "}${leader.since ? `This is the state of ${clock(leader.since)}.` : "This is the last state that this agent can find."}</p></div>`;
}

/** Says why there is little to see for who has not logged in. */
function LoggedOut({ onToken }) {
  const denying = useDenying();
  if (!denying || token()) return null;
  return html`<div class="trouble calm" id="logged-out" role="status"><p>Access rules are on, and this tab has no token: you see what everybody may see.</p>
    <p><button type="button" class="primary" onClick=${onToken}>Log in with a token</button></p></div>`;
}

function Trouble({ onToken }) {
  const trouble = useTrouble();
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!trouble) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [trouble]);
  if (!trouble) return null;
  const { error, next } = trouble;
  const seconds = Math.max(0, Math.ceil((next - now) / 1000));
  const what = error.status === 403 ? html`<b>Not permitted.</b> ${error.message} <button type="button" onClick=${onToken}>Give a token</button>`
    : error.status ? html`<b>The agent cannot say.</b> ${error.message}`
    : html`<b>The agent does not answer.</b> What you see is how it was before.`;
  return html`<div class="trouble" role="alert"><p>${what}</p>
    <p>${next ? html`Next try in <span aria-live="off">${seconds}</span> s.` : "The agent tries again by itself."} <button type="button" onClick=${retry}>Try now</button></p></div>`;
}

/** How news comes, and since when what is shown may be old. */
function Live({ leader }) {
  const trouble = useTrouble(), connection = useConnection();
  const [state, text, since] = connection.state === "reconnecting" ? ["critical", "reconnecting", connection.since]
    : trouble && !trouble.error.status ? ["critical", "reconnecting", trouble.since]
    : leader.silent ? ["critical", "no answer", leader.since] : leader.lost ? ["warning", "no leader", leader.since]
    : trouble ? ["warning", "stale", trouble.since] : connection.state === "connecting" ? ["warning", "connecting", 0] : ["passing", "live", 0];
  const how = connection.state === "asking" ? "Asked every few seconds: no stream comes through from the agent." : "Changes show as they happen.";
  return html`<span class=${"live " + state} title=${state === "passing" ? how : ""}><span class=${"dot " + state} aria-hidden="true"></span>${text}
    ${since > 0 && html`<span class="since">${text === "stale" ? "" : "stale "}since ${clock(since)}</span>`}</span>`;
}

function Token({ onClose }) {
  const [secret, setSecret] = useState("");
  const keep = (event) => { event.preventDefault(); setToken(secret.trim()); };
  return html`<${Dialog} title="Access token" onClose=${onClose}><form onSubmit=${keep}>
    <p>${token() ? "This tab uses a token." : "This tab uses no token."} One is kept until the tab is closed, and sent to this agent only.</p>
    <label>Secret ID<input id="token" type="password" autofocus autocomplete="off" value=${secret} onInput=${(e) => setSecret(e.target.value)} /></label>
    <p class="buttons"><button type="button" onClick=${onClose}>Cancel</button>
      ${token() && html`<button type="button" onClick=${() => setToken("")}>Forget it</button>`}
      <button type="submit" class="primary" disabled=${!secret.trim()}>Use</button></p></form></>`;
}

/** Where we are; a choice if there are more datacenters. */
function Where({ self, list }) {
  const { datacenter, section } = here();
  const current = datacenter || self?.Datacenter || (list?.length === 1 ? list[0] : "");
  const choose = (e) => navigate(link(section || "overview", "", {}, e.target.value === self?.Datacenter ? "" : e.target.value));
  return html`<span class="where">${list?.length > 1
    ? html`<select aria-label="Datacenter" value=${current} onChange=${choose}>${[...list].sort().map((dc) => html`<option value=${dc}>${dc}</option>`)}</select>`
    : current}${self && html`<span class="agent">${self.NodeName} (${self.Server ? "server" : "client"})</span>`}</span>`;
}

function Missing({ text }) {
  useTitle("No such page");
  return html`<${Empty} title=${text}><p><code>${location.pathname}</code></p><p><a href=${link("overview", "", {}, "")} onClick=${go}>Go to the overview</a></p></>`;
}

function Page({ place, self, datacenters, onToken }) {
  const [error, reset] = useErrorBoundary((fault) => console.error(fault));
  if (error) return html`<div class="empty" role="alert"><h2>This page broke</h2><p>${error.message}</p><p><button type="button" onClick=${reset}>Show it again</button></p></div>`;
  if (!place.section) return html`<${Missing} text="There is no such page" />`;
  if (place.datacenter && !datacenters) return html`<${Loading} />`;
  if (place.datacenter && !datacenters.includes(place.datacenter)) {
    return html`<${Missing} text=${place.bare ? "There is no such page" : `There is no datacenter ${place.datacenter}`} />`;
  }
  switch (place.section) {
    case "kv": return html`<${KV} place=${place} />`;
    case "nodes": return place.name ? html`<${Node} name=${place.name} self=${self} />` : html`<${Nodes} self=${self} />`;
    case "services": return place.name ? html`<${Service} name=${place.name} self=${self} />` : html`<${Services} />`;
    case "sessions": return html`<${SessionsPage} />`;
    case "queries": return html`<${Queries} />`;
    case "events": return html`<${Events} />`;
    case "members": return html`<${Members} />`;
    case "access": return html`<${Access} place=${place} onToken=${onToken} />`;
    case "intentions": return html`<${Intentions} />`;
    default: return html`<${Overview} self=${self} />`;
  }
}

function App() {
  const place = usePlace();
  const self = useSelf();
  const leader = useLeader();
  const datacenters = useOnce("/v1/catalog/datacenters", [leader.lost]);
  const [asking, setAsking] = useState(false);
  const ask = () => setAsking(true);
  const tab = (id) => html`<a href=${link(id)} onClick=${go} aria-current=${place.section === id ? "page" : undefined} title=${"g " + sections[id].key}>${sections[id].title}</a>`;
  return html`<a class="skip" href="#main" onClick=${(e) => { e.preventDefault(); document.getElementById("main").focus(); }}>Skip to content</a>
    <header><a class="brand" href=${link("overview")} onClick=${go}><img src="icon.svg" alt="" width="26" height="26" /><span>Praetor</span></a>
      <nav aria-label="Sections">${Object.keys(sections).map(tab)}</nav>
      <${Where} self=${self} list=${datacenters} />
      <span class="foot"><${Live} leader=${leader} />
      <button type="button" class=${token() ? "token set" : "token"} onClick=${ask}>Token</button></span></header>
    <div class="body"><${Leaderless} leader=${leader} /><${LoggedOut} onToken=${ask} /><${Trouble} onToken=${ask} />
    <main id="main" tabindex="-1"><${Page} key=${[place.datacenter, place.section, place.name, place.query.get("key"), place.query.get("prefix")].join("/")} place=${place} self=${self} datacenters=${datacenters} onToken=${ask} /></main></div>
    <${Announcements} /><${Keys} />
    ${asking && html`<${Token} onClose=${() => setAsking(false)} />`}`;
}

const root = document.getElementById("app");
root.replaceChildren(); // what stood there while this file was loading
render(html`<${App} />`, root);
