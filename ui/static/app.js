// The page: what stands around the sections, and which of them is shown.
import { html, render, useEffect, useErrorBoundary, useState } from "./vendor/htm-preact.js";
import { get, retry, setToken, token, useOnce, useTrouble } from "./api.js";
import { KV } from "./kv.js";
import { Node, Nodes } from "./nodes.js";
import { Announcements, Dialog } from "./parts.js";
import { go, here, link, navigate, usePlace } from "./router.js";
import { Service, Services } from "./services.js";

const tabs = { services: "Services", nodes: "Nodes", kv: "Key/Value" };

/** Who answers, once it does. */
function useSelf() {
  const [self, setSelf] = useState(null);
  const trouble = useTrouble();
  useEffect(() => {
    if (!self) get("/v1/agent/self").then(({ data }) => setSelf(data.Config), () => {});
  }, [trouble]);
  return self;
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
    <p>Next try in <span aria-live="off">${seconds}</span> s. <button type="button" onClick=${retry}>Try now</button></p></div>`;
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
function Where({ self }) {
  const list = useOnce("/v1/catalog/datacenters") ?? [];
  const { datacenter, section } = here();
  const current = datacenter || self?.Datacenter || "";
  const choose = (e) => navigate(link(section, "", {}, e.target.value === self?.Datacenter ? "" : e.target.value));
  return html`<span class="where">${list.length > 1
    ? html`<select aria-label="Datacenter" value=${current} onChange=${choose}>${[...list].sort().map((dc) => html`<option value=${dc}>${dc}</option>`)}</select>`
    : current}${self && html`<span class="agent"> · ${self.NodeName} (${self.Server ? "server" : "client"})</span>`}</span>`;
}

function Page({ place, self }) {
  const [error, reset] = useErrorBoundary((fault) => console.error(fault));
  if (error) return html`<div class="empty" role="alert"><h2>This page broke</h2><p>${error.message}</p><p><button type="button" onClick=${reset}>Show it again</button></p></div>`;
  switch (place.section) {
    case "kv": return html`<${KV} place=${place} />`;
    case "nodes": return place.name ? html`<${Node} name=${place.name} self=${self} />` : html`<${Nodes} self=${self} />`;
    default: return place.name ? html`<${Service} name=${place.name} />` : html`<${Services} />`;
  }
}

function App() {
  const place = usePlace();
  const self = useSelf();
  const [asking, setAsking] = useState(false);
  const tab = (id) => html`<a href=${link(id)} onClick=${go} aria-current=${place.section === id ? "page" : undefined}>${tabs[id]}</a>`;
  return html`<a class="skip" href="#main" onClick=${(e) => { e.preventDefault(); document.getElementById("main").focus(); }}>Skip to content</a>
    <header><a class="brand" href=${link("services")} onClick=${go}><img src="icon.svg" alt="" width="26" height="26" /><span>Praetor</span></a>
      <nav aria-label="Sections">${Object.keys(tabs).map(tab)}</nav>
      <${Where} self=${self} />
      <button type="button" class=${token() ? "token set" : "token"} onClick=${() => setAsking(true)}>Token</button></header>
    <${Trouble} onToken=${() => setAsking(true)} />
    <main id="main" tabindex="-1"><${Page} key=${[place.datacenter, place.section, place.name].join("/")} place=${place} self=${self} /></main>
    <${Announcements} />
    ${asking && html`<${Token} onClose=${() => setAsking(false)} />`}`;
}

const root = document.getElementById("app");
root.replaceChildren(); // what stood there while this file was loading
render(html`<${App} />`, root);
