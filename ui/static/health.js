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
