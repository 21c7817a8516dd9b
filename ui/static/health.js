// What checks add up to.

/** The states, from the one to look at first. */
export const states = ["critical", "warning", "passing"];

const rank = { passing: 0, warning: 1, critical: 2 };

/** The worst status among checks; none pass. */
export function worst(checks) {
  let status = "passing";
  for (const check of checks) {
    const s = check.Status in rank ? check.Status : "warning";
    if (rank[s] > rank[status]) status = s;
  }
  return status;
}

/** The worst state that a tally counts. */
export const worstOf = (tally) => states.find((s) => tally[s] > 0) ?? "passing";

/** How many of a list have each status, statusOf being how to tell. */
export function tally(list, statusOf) {
  const count = { passing: 0, warning: 0, critical: 0 };
  for (const item of list) count[statusOf(item)]++;
  return count;
}

/** Orders by status, the worst first. */
export const byHealth = (a, b) => rank[b] - rank[a];

/** How long a packet takes there and back, in ms, by two coordinates; null if either is unknown. */
export function roundTrip(a, b) {
  if (!a || !b || a.Vec.length !== b.Vec.length) return null;
  const apart = Math.sqrt(a.Vec.reduce((sum, x, i) => sum + (x - b.Vec[i]) ** 2, 0)) + a.Height + b.Height;
  const adjusted = apart + a.Adjustment + b.Adjustment;
  return 1000 * (adjusted > 0 ? adjusted : apart);
}

// When this tab first saw each check in the state it has: the catalog keeps an index
// of the last change, but no time.
const seen = new Map();
const begun = Date.now();
const seenMost = 50000;

/** Notes the states of checks, for since. */
export function watch(checks) {
  for (const c of checks) {
    const key = c.Node + "\0" + c.CheckID, last = seen.get(key);
    if (last?.status === c.Status || seen.size > seenMost) continue;
    seen.set(key, { status: c.Status, at: last ? Date.now() : 0 });
  }
}

/** Since when a check is what it is, as far as can be said. */
export function since(c) {
  const at = seen.get(c.Node + "\0" + c.CheckID)?.at;
  if (at) return `${c.Status} since ${new Date(at).toLocaleTimeString()}`;
  return `${c.Status} since before ${new Date(begun).toLocaleTimeString()}, when this page was opened (index ${c.ModifyIndex})`;
}
