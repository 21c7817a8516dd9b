// What checks add up to.

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

/**
 * Health of every service, from the list of all services and all checks.
 * Checks of a node count for each service that has an instance on it.
 */
export function summarize(services, checks) {
  const nodeChecks = Map.groupBy(checks.filter((c) => !c.ServiceID), (c) => c.Node);
  const byService = Map.groupBy(checks.filter((c) => c.ServiceID), (c) => c.ServiceName);
  return Object.keys(services).sort().map((name) => {
    const instances = Map.groupBy(byService.get(name) ?? [], (c) => c.Node + "\0" + c.ServiceID);
    const count = { passing: 0, warning: 0, critical: 0 };
    for (const own of instances.values()) {
      count[worst([...own, ...(nodeChecks.get(own[0].Node) ?? [])])]++;
    }
    return { name, tags: services[name], checked: instances.size, count };
  });
}
