// What people do to the cluster: each asks first, with the command line that does the same.
import { html, useState } from "./vendor/htm-preact.js";
import { post, put, request } from "./api.js";
import { announce, Confirm, curl, praetor, saveFile } from "./parts.js";
import { here } from "./router.js";

/** Removes an instance through the agent that owns it, so that it does not come back. */
export function Deregister({ instance: { node, service }, onClose }) {
  const body = JSON.stringify({ Datacenter: here().datacenter || undefined, Node: node.Node, ServiceID: service.ID });
  const run = async () => {
    const { data } = await put("/v1/catalog/deregister", { query: { evict: "1" }, body });
    return data?.Detail || `${service.ID} on ${node.Node} is deregistered.`;
  };
  return html`<${Confirm} title=${`Deregister ${service.ID}?`} verb="Deregister" run=${run} onClose=${onClose}
    lines=${[praetor("services", "deregister", "-anywhere", service.ID), curl("PUT", "/v1/catalog/deregister", { query: { evict: "1" }, body })]}>
    <p>This instance of <b>${service.Service}</b> on node <b>${node.Node}</b> will no longer be found. The program itself keeps running,
      and may register again.</p></>`;
}

/** Takes a node, or one service on it, out of discovery or back in. */
export function Maintenance({ node, service = null, checks, onClose }) {
  const [reason, setReason] = useState("");
  const id = service ? "_service_maintenance:" + service.ID : "_node_maintenance";
  const resting = checks.some((c) => c.CheckID === id);
  const path = service ? "/v1/agent/service/maintenance/" + encodeURIComponent(service.ID) : "/v1/agent/maintenance";
  const what = service ? service.ID : node.Node;
  const query = { enable: String(!resting), ...(reason && !resting && { reason }) };
  const run = async () => {
    await put(path, { query });
    return resting ? `${what} is back in discovery.` : `${what} is in maintenance.`;
  };
  const words = ["maint", resting ? "-disable" : "-enable", service ? "-service=" + service.ID : "", reason && !resting ? "-reason=" + reason : ""];
  return html`<${Confirm} title=${resting ? `End maintenance of ${what}?` : `Put ${what} into maintenance?`} verb=${resting ? "End maintenance" : "Begin maintenance"}
    danger=${!resting} run=${run} onClose=${onClose} lines=${[praetor(...words), curl("PUT", path, { query })]}>
    <p>${resting ? "It will be found again if its other checks pass." : service ? "DNS and health queries will leave this instance out until maintenance ends."
      : "DNS and health queries will leave out everything on this node until maintenance ends."}</p>
    ${!resting && html`<label>Reason, for the others<input id="reason" autofocus value=${reason} autocomplete="off" onInput=${(e) => setReason(e.target.value)} /></label>`}</>`;
}

/** Declares a failed member to have left. */
export function ForceLeave({ member, onClose }) {
  const path = "/v1/agent/force-leave/" + encodeURIComponent(member.Name);
  const run = async () => { await put(path); return `${member.Name} is declared to have left.`; };
  return html`<${Confirm} title=${`Declare ${member.Name} to have left?`} verb="Force leave" run=${run} onClose=${onClose}
    lines=${[praetor("force-leave", member.Name), curl("PUT", path)]}>
    <p>It is removed from the catalog now, with its services, instead of after 72 hours. If the machine comes back it joins again.</p></>`;
}

/** Has another server lead. */
export function TransferLeader({ leader, onClose }) {
  const path = "/v1/operator/raft/transfer-leader";
  const run = async () => { await post(path); return "Another server leads now."; };
  return html`<${Confirm} title="Have another server lead?" verb="Transfer leadership" run=${run} onClose=${onClose}
    lines=${[praetor("operator", "raft", "transfer-leader"), curl("POST", path)]}>
    <p><b>${leader}</b> hands over to the voter whose log is furthest. Writes wait for less than a second; nothing is lost.</p></>`;
}

const snapshotWithin = 600000; // ms

/** Downloads the state of the cluster. */
export function SaveSnapshot({ onClose }) {
  const path = "/v1/snapshot";
  const run = async () => {
    const response = await request("GET", path, { within: snapshotWithin });
    if (!response.ok) throw new Error(await response.text());
    const file = `praetor-${here().datacenter || "state"}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.snap`;
    saveFile(file, await response.blob());
    return `${file} is downloaded. See what it holds with: praetor snapshot inspect ${file}`;
  };
  return html`<${Confirm} title="Download a snapshot?" verb="Download" danger=${false} run=${run} onClose=${onClose}
    lines=${[praetor("snapshot", "save", "backup.snap"), curl("GET", path) + " -o backup.snap"]}>
    <p>It holds everything: catalog, keys, sessions, and with access rules the secrets of all tokens. Keep it as you would keep those.</p></>`;
}

/** Replaces the state of the cluster. */
export function RestoreSnapshot({ onClose }) {
  const [file, setFile] = useState(null);
  const [word, setWord] = useState("");
  const path = "/v1/snapshot";
  const run = async () => {
    if (!file) throw new Error("Choose a file first.");
    if (word !== "restore") throw new Error("Type restore to say that you mean it.");
    const response = await request("PUT", path, { body: file, within: snapshotWithin });
    if (!response.ok) throw new Error((await response.text()) || `status ${response.status}`);
    announce(`${file.name} is restored.`);
  };
  return html`<${Confirm} title="Restore a snapshot?" verb="Restore" run=${run} onClose=${onClose}
    lines=${[praetor("snapshot", "restore", file?.name ?? "backup.snap"), curl("PUT", path) + " --data-binary @" + (file?.name ?? "backup.snap")]}>
    <p>Everything that there is now is replaced by what the file holds, in the whole datacenter. What was written since is lost. It is checked first: a damaged file changes nothing.</p>
    <label>File<input id="snapshot" type="file" onChange=${(e) => setFile(e.target.files[0])} /></label>
    <label>Type <b>restore</b><input id="sure" autocomplete="off" value=${word} onInput=${(e) => setWord(e.target.value)} /></label></>`;
}
