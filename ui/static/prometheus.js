// The built-in metrics provider: what Envoy sidecars tell Prometheus.

const recent = 900; // s that a line shows
const step = 15; // s between its points

let ask;

/** A label's value in PromQL. */
const label = (text) => JSON.stringify(String(text));

async function query(path, params) {
  const response = await ask("/api/v1/" + path, { query: params });
  const text = await response.text();
  if (!response.ok) throw new Error(text.trim() || `Prometheus says ${response.status}`);
  return JSON.parse(text).data?.result ?? [];
}

const rate = (service, more = "") => `sum(irate(envoy_listener_http_downstream_rq_xx{consul_source_service=${label(service)},envoy_http_conn_manager_prefix="public_listener"${more}}[10m]))`;
const failed = ',envoy_response_code_class="5"';

/** A number of at most three digits. */
const short = (n) => (Number.isFinite(n) ? Number(n.toPrecision(3)).toString() : "none");

export const prometheus = {
  init(options) { ask = options.fetch; },

  async serviceRecentSummaryStats(service) {
    const values = await Promise.all([rate(service), rate(service, failed)].map((q) => query("query", { query: q })));
    const [all, errors] = values.map((result) => Number(result[0]?.value?.[1]));
    return { stats: [
      { label: "RPS", desc: "Requests in a second, by the service's proxies", value: short(all) },
      { label: "ER", desc: "Of those, answered with a status of 500 and above", value: all > 0 ? short(100 * (errors || 0) / all) + " %" : "none" },
    ] };
  },

  async serviceRecentSummarySeries(service) {
    const end = Math.floor(Date.now() / 1000), times = { start: String(end - recent), end: String(end), step: String(step) };
    const [all, errors] = await Promise.all([rate(service), rate(service, failed)].map((q) => query("query_range", { query: q, ...times })));
    const bad = new Map((errors[0]?.values ?? []).map(([time, value]) => [time, Number(value)]));
    return {
      unitSuffix: " at most per second:", labels: { Requests: "requests", Errors: "errors" },
      data: (all[0]?.values ?? []).map(([time, value]) => ({ time: time * 1000, Requests: Number(value), Errors: bad.get(time) ?? 0 })),
    };
  },
};
