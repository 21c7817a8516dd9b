// Whether a token may do something, and which rule says so.
import { html, useState } from "./vendor/htm-preact.js";
import { get } from "./api.js";
import { Same } from "./parts.js";
import { go, link } from "./router.js";

const path = "/v1/acl/explain";
const named = ["agent", "event", "intention", "key", "node", "query", "service", "session"];
const unnamed = ["acl", "keyring", "mesh", "operator", "peering"];

/** A rule, and how the token came by it. */
const Rule = ({ rule: r }) => html`<p><code>${r.Rule}</code> ${r.Why}${r.By.map((b) => html`, in ${b.Kind} ${b.Kind === "policy" && b.ID ? html`<a href=${link("access", ["policies", b.ID])} onClick=${go}>${b.Name}</a>` : html`<b>${b.Name}</b>`}${b.Role && ` through role ${b.Role}`}`)}</p>`;

/** A question about a token, and its answer. Accessor "" is the tab's own token, about which everybody may ask. */
export function Explain({ accessor = "" }) {
  const [resource, setResource] = useState("service");
  const [access, setAccess] = useState("read");
  const [name, setName] = useState("");
  const [below, setBelow] = useState(false);
  const [{ answer, error, of }, setState] = useState(/** @type {any} */ ({}));
  const isNamed = named.includes(resource);
  const query = { ...(accessor && { accessor }), resource, access: access === "list" && resource !== "key" ? "read" : access, ...(isNamed && name && { segment: name }), ...(isNamed && below && { recurse: "" }) };
  const cli = ["acl", "explain", ...(accessor ? ["-accessor-id=" + accessor] : []), ...(isNamed && below ? ["-recurse"] : []), `${resource}:${query.access}`, isNamed ? name : ""];
  const ask = async (event) => {
    event.preventDefault();
    try { setState({ answer: (await get(path, { query })).data, of: JSON.stringify(query) }); } catch (error) { setState({ error }); }
  };
  const now = of === JSON.stringify(query); // an answer to another question is none
  return html`<section class="explain"><h2>What may ${accessor ? "it" : "this token"} do?</h2><div class="card inside"><form class="tools" onSubmit=${ask}>
      <label>Kind<select id="resource" value=${resource} onChange=${(e) => setResource(e.target.value)}>${[...named, ...unnamed].sort().map((r) => html`<option key=${r} value=${r}>${r}</option>`)}</select></label>
      <label>Access<select id="access" value=${query.access} onChange=${(e) => setAccess(e.target.value)}>${["read", "write", ...(resource === "key" ? ["list"] : [])].map((a) => html`<option key=${a} value=${a}>${a}</option>`)}</select></label>
      ${isNamed && html`<label class="grow">Name<input id="segment" value=${name} autocomplete="off" spellcheck=${false} placeholder=${resource === "key" ? "app/config" : "web"} onInput=${(e) => setName(e.target.value)} /></label>
        <label class="check"><input type="checkbox" id="below" checked=${below} onChange=${(e) => setBelow(e.target.checked)} /> and all that begins so</label>`}
      <button type="submit" class="primary">Ask</button></form>
    ${error && html`<p class="fault" role="alert">${error.message}</p>`}
    ${now && answer && html`<div role="status" class="verdict"><p class=${answer.Allow ? "allowed" : "denied"}><b>${answer.Allow ? "✓ Allowed" : "✗ Denied"}</b></p>
      ${answer.Decided ? html`<${Rule} rule=${answer.Decided} />` : html`<p>No rule is about it: the default policy, <b>${answer.DefaultPolicy}</b>, decides.</p>`}
      ${answer.Overridden?.length > 0 && html`<p class="muted">What does not count:</p>${answer.Overridden.map((r) => html`<${Rule} rule=${r} />`)}`}
      ${answer.More > 0 && html`<p class="muted">and ${answer.More} rules more.</p>`}
      ${answer.Refusal && html`<p class="muted">Requests are told: <q>${answer.Refusal}</q></p>`}</div>`}
    <${Same} of=${[{ path, query, cli }]} /></div></section>`;
}
