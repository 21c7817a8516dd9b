// User events: fire one, and see those that this agent has heard.
import { html, useState } from "./vendor/htm-preact.js";
import { put, useMayNot } from "./api.js";
import { useLive } from "./live.js";
import { announce, Command, curl, Empty, Fold, Loading, Long, praetor, AsCommands, Pairs, Same } from "./parts.js";
import { here, useTitle } from "./router.js";

const path = "/v1/event/list";

export function Events() {
  useTitle("Events", here().datacenter);
  const list = useLive(path);
  return html`<h1>Events ${list && html`<span class="number">${list.length}</span>`}</h1>
    <${Fire} />
    <h2>Heard by this agent</h2>
    ${!list ? html`<${Loading} />` : !list.length ? html`<${Empty} title="None yet">
        <p>An event goes to all agents in moments, and watches run commands on it. Have this machine act on one named deploy:</p>
        <${Command}>praetor watch -type=event -name=deploy ./deploy.sh</></>`
      : html`<${Long} id="events" list=${[...list].reverse()} keyOf=${(e) => e.ID} guess=${52} item=${(e, at) => html`<${Fold} key=${e.ID} index=${at}
          name=${html`<b>${e.Name}</b>`} side=${html`<span>${text(e.Payload)}</span><code>${e.ID}</code>`}>
          <${Pairs} of=${{ "For nodes": e.NodeFilter, "for services": e.ServiceFilter, "with tags": e.TagFilter, "Lamport time": e.LTime }} /></>`} />`}
    <${Same} of=${[{ path, cli: ["watch", "-type=event"] }]} />`;
}

/** A payload as text; bytes that are none are counted. */
function text(payload) {
  if (!payload) return "";
  const bytes = Uint8Array.from(atob(payload), (c) => c.charCodeAt(0));
  try { return new TextDecoder("utf-8", { fatal: true }).decode(bytes); } catch { return `${bytes.length} bytes`; }
}

function Fire() {
  const [name, setName] = useState("");
  const [payload, setPayload] = useState("");
  const [node, setNode] = useState("");
  const [fault, setFault] = useState(null);
  const mayNot = useMayNot("event:write:" + name.trim());
  const to = "/v1/event/fire/" + encodeURIComponent(name || "NAME");
  const fire = async (event) => {
    event.preventDefault();
    setFault(null);
    try {
      await put(to, { query: node ? { node } : {}, body: payload });
      announce(`${name} is fired.`);
      setPayload("");
    } catch (error) { setFault(error); }
  };
  return html`<form class="card inside" onSubmit=${fire}><div class="fields">
      <label>Name<input id="event-name" value=${name} autocomplete="off" spellcheck=${false} placeholder="deploy" onInput=${(e) => setName(e.target.value)} /></label>
      <label>Payload<input id="event-payload" value=${payload} autocomplete="off" spellcheck=${false} onInput=${(e) => setPayload(e.target.value)} /></label>
      <label>Nodes, a regular expression<input value=${node} autocomplete="off" spellcheck=${false} placeholder="all" onInput=${(e) => setNode(e.target.value)} /></label></div>
    ${fault && html`<p class="fault" role="alert">${fault.message}</p>`}
    <p class="buttons"><button type="submit" class="primary" disabled=${!name.trim() || mayNot}>Fire</button>
      ${name.trim() && mayNot && html`<span class="muted">This token may not fire ${name}.</span>`}</p>
    <${AsCommands} lines=${[praetor("event", "-name=" + (name || "NAME"), node ? "-node=" + node : "", payload), curl("PUT", to, { query: node ? { node } : {}, body: payload })]} /></form>`;
}
