// Sessions and what they lock.
import { html, useMemo, useState } from "./vendor/htm-preact.js";
import { keyPath, put, useMay, useOnce } from "./api.js";
import { useLive } from "./live.js";
import { Command, Confirm, curl, Empty, Fold, Loading, Long, Pairs, Same, Search } from "./parts.js";
import { go, here, link, useQuery, useTitle } from "./router.js";

const seconds = (ns) => (ns ? `${ns / 1e9} s` : "none");

export function SessionsPage() {
  useTitle("Sessions", here().datacenter);
  return html`<h1>Sessions and locks</h1><${Sessions} />
    <${Same} of=${[{ path: "/v1/session/list" }]} />`;
}

/** The sessions of a node, or all. */
export function Sessions({ node = "" }) {
  const list = useLive(node ? "/v1/session/node/" + encodeURIComponent(node) : "/v1/session/list");
  const [query, setQuery] = useQuery(node ? "session" : "q");
  const [doomed, setDoomed] = useState(null);
  const wanted = query.trim().toLowerCase();
  const rows = useMemo(() => (list ?? []).filter((s) => [s.ID, s.Name, s.Node].join("\n").toLowerCase().includes(wanted)), [list, wanted]);
  if (!list) return html`<${Loading} />`;
  if (!list.length) {
    return node ? html`<p class="muted">No session is bound to this node.</p>` : html`<${Empty} title="There are no sessions">
      <p>A session is what a lock hangs on: it ends with its node, its checks or its time. Hold a lock while a command runs:</p>
      <${Command}>praetor lock app/leader sleep 600</></>`;
  }
  return html`${!node && html`<div class="tools"><${Search} value=${query} onInput=${setQuery} placeholder="Search by name, ID or node" /></div>`}
    <${Long} list=${rows} keyOf=${idOf} guess=${52} item=${(s, at) => html`<${Session} key=${s.ID} index=${at} session=${s} onRemove=${() => setDoomed(s)} />`} />
    ${doomed && html`<${Destroy} session=${doomed} onClose=${() => setDoomed(null)} />`}`;
}

const idOf = (s) => s.ID;

function Session({ session: s, index, onRemove }) {
  const [mayWrite] = useMay("session:write:" + s.Node);
  return html`<${Fold} index=${index} name=${html`<b>${s.Name || s.ID}</b>`}
    side=${html`${s.Name && html`<code>${s.ID}</code>`}<span>on <a href=${link("nodes", s.Node)} onClick=${go}>${s.Node}</a></span><span class="tag">${s.Behavior}</span>`}>
    <${Held} session=${s.ID} />
    <${Pairs} of=${{ TTL: s.TTL || "none", "Lock delay": seconds(s.LockDelay), "Node checks": (s.NodeChecks ?? []).join(", "), "Service checks": (s.ServiceChecks ?? []).map((c) => c.ID).join(", "), CreateIndex: s.CreateIndex }} />
    ${mayWrite && html`<p class="buttons"><button type="button" class="quiet" onClick=${onRemove}>End session …</button></p>`}</>`;
}

const mostKeys = 200; // above that the servers are not asked for all keys to find a few

/** The keys that a session holds: the API knows them only by looking through the keys. */
function Held({ session }) {
  const names = useOnce(keyPath(""), [session], { keys: "" });
  const few = Array.isArray(names) && names.length <= mostKeys;
  const all = useOnce(few ? keyPath("") : "", [few], { recurse: "" });
  if (names && !few) return html`<p class="muted">There are more than ${mostKeys} keys: a key's own page says who locks it.</p>`;
  // The line is there from the beginning, so that nothing moves under the pointer.
  if (names === undefined || (few && names.length && all === undefined)) return html`<p class="muted">Looking for its locks …</p>`;
  const held = (all ?? []).filter((e) => e.Session === session);
  if (!held.length) return html`<p class="muted">It holds no lock.</p>`;
  return html`<p>Holds ${held.map((e) => html`<a class="held" href=${link("kv", "", { key: e.Key })} onClick=${go}>${e.Key}</a> `)}</p>`;
}

function Destroy({ session, onClose }) {
  const path = "/v1/session/destroy/" + session.ID;
  const run = async () => { await put(path); return "The session has ended."; };
  return html`<${Confirm} title=${`End session ${session.Name || session.ID}?`} verb="End session" run=${run} onClose=${onClose} lines=${[curl("PUT", path)]}>
    <p>Its locks are released, and its keys ${session.Behavior === "delete" ? "deleted" : "kept"}. Who holds them is not asked; nobody gets them for the lock delay of ${seconds(session.LockDelay)}.</p></>`;
}
