// Links to dashboards, and figures of a metrics provider.
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { request } from "./api.js";
import { prometheus } from "./prometheus.js";
import { here } from "./router.js";

/** ui_config as far as the pages use it. */
export const config = JSON.parse(/** @type {HTMLMetaElement | null} */ (document.querySelector('meta[name="praetor-ui"]'))?.content || "{}");

/** A template with its placeholders filled in, each as a part of a URL. */
export function fill(template, values) {
  return template.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_, name) => encodeURIComponent(values[name] ?? ""));
}

export function Dashboards({ service, self }) {
  const template = config.dashboards?.service;
  if (!template) return null;
  const values = { "Service.Name": service, "Service.Namespace": "default", "Service.Partition": "default", Datacenter: here().datacenter || self?.Datacenter };
  return html`<p class="names"><a href=${fill(template, values)} target="_blank" rel="noopener noreferrer">Open the dashboard ↗</a></p>`;
}

// Providers register as with Consul: window.consul.registerMetricsProvider(name, provider).
const providers = new Map([["prometheus", prometheus]]);
Object.assign(window, { consul: { registerMetricsProvider: (name, provider) => providers.set(name, provider) } });

/** Asks the metrics server by way of the agent; path is below the proxy's base URL. */
const proxied = (path, options) => request("GET", "/v1/internal/ui/metrics-proxy/" + String(path).replace(/^\//, ""), options);

/** Loads the provider's scripts, and gives it what the configuration says. */
async function load() {
  for (const src of config.scripts ?? []) {
    await new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = src;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`The metrics provider's script ${src} could not be loaded.`));
      document.head.append(script);
    });
  }
  const provider = providers.get(config.provider);
  if (!provider) throw new Error(`No script registered a metrics provider named ${config.provider}.`);
  provider.init?.({ ...config.options, fetch: proxied });
  return provider;
}

let loaded;
const every = 15000; // ms between looks at a service's figures

/** The figures of a service, and a line of its requests over time. */
export function Metrics({ service, self }) {
  const [state, setState] = useState(/** @type {any} */ (null));
  useEffect(() => {
    if (!config.provider) return undefined;
    let timer, stopped = false;
    const look = async () => {
      try {
        const provider = await (loaded ??= load());
        const dc = here().datacenter || self?.Datacenter || "", protocol = "http", options = {};
        const [summary, series] = await Promise.all([
          provider.serviceRecentSummaryStats?.(service, dc, "default", "default", protocol, options) ?? {},
          provider.serviceRecentSummarySeries?.(service, dc, "default", "default", protocol, options) ?? {},
        ]);
        if (!stopped) setState({ stats: summary.stats ?? [], series });
      } catch (error) {
        loaded = undefined;
        if (!stopped) setState({ error });
      }
      if (!stopped) timer = setTimeout(look, every);
    };
    look();
    return () => { stopped = true; clearTimeout(timer); };
  }, [service, self?.Datacenter]);
  if (!state) return null;
  if (state.error) return html`<p class="notice">No metrics: ${state.error.message}</p>`;
  return html`<section id="metrics" class="metrics" aria-label="Metrics"><${Line} series=${state.series} />
    <dl>${state.stats.map((s) => html`<div key=${s.label} title=${s.desc}><dt>${s.label}</dt><dd>${s.value}</dd></div>`)}</dl></section>`;
}

/** Lines over time, all on one scale. */
function Line({ series }) {
  const points = series?.data ?? [];
  const keys = Object.keys(series?.labels ?? {}).filter((k) => points.some((p) => k in p) && k !== "Total");
  if (points.length < 2 || !keys.length) return null;
  const most = Math.max(...points.flatMap((p) => keys.map((k) => Number(p[k]) || 0)), 1e-9);
  const from = points[0].time, width = points.at(-1).time - from || 1;
  const path = (k) => points.map((p, i) => `${i ? "L" : "M"}${(300 * (p.time - from) / width).toFixed(1)} ${(58 - 54 * (Number(p[k]) || 0) / most).toFixed(1)}`).join("");
  return html`<figure><svg viewBox="0 0 300 60" preserveAspectRatio="none" role="img" aria-label=${keys.map((k) => series.labels[k]).join(", ")}>
      ${keys.map((k, i) => html`<path class=${"line-" + i} d=${path(k)} />`)}</svg>
    <figcaption class="muted">${keys.map((k, i) => html`<span class=${"key-" + i}>${series.labels[k]}</span> `)}, ${series.unitSuffix?.trim() || "at most"} ${most.toPrecision(3)}</figcaption></figure>`;
}
