// How far nodes are from each other, as a map and in numbers: from the coordinates that gossip measures.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/htm-preact.js";
import { useOnce } from "./api.js";
import { roundTrip } from "./health.js";
import { Dot, Empty, Loading, Same, Table } from "./parts.js";
import { go, link } from "./router.js";

const path = "/v1/coordinate/nodes";
const every = 15000; // ms; agents send theirs about as often
const turns = 60; // of the search for an axis; what is left of others is the ratio of their spreads to this power

/**
 * Points of any number of dimensions in two: along the axes on which they differ most.
 * @param {number[][]} points @returns {[number, number][]}
 */
export function principal(points) {
  const size = points[0]?.length ?? 0;
  const mean = Array.from({ length: size }, (_, d) => points.reduce((sum, p) => sum + p[d], 0) / points.length);
  const rest = points.map((p) => p.map((x, d) => x - mean[d]));
  const along = () => { // where each is on the next axis, which is taken out of the rest
    const spread = mean.map((_, a) => mean.map((_, b) => rest.reduce((sum, p) => sum + p[a] * p[b], 0)));
    const widest = spread.map((row, d) => row[d]).reduce((best, s, d, all) => (s > all[best] ? d : best), 0);
    let axis = mean.map((_, d) => (d === widest ? 1 : 1e-3 / (d + 1))); // the same each time, and across none
    for (let i = 0; i < turns; i++) {
      const next = spread.map((row) => row.reduce((sum, s, d) => sum + s * axis[d], 0)), length = Math.hypot(...next);
      if (!(length > 0)) return points.map(() => 0); // they do not differ
      axis = next.map((x) => x / length);
    }
    return rest.map((p) => {
      const at = p.reduce((sum, x, d) => sum + x * axis[d], 0);
      axis.forEach((x, d) => { p[d] -= at * x; });
      return at;
    });
  };
  const x = along(), y = along();
  return x.map((at, i) => [at, y[i]]);
}

const border = 34; // pixels around the dots

/** A length in ms that is easy to read, about a third of another. */
function step(ms) {
  const about = ms / 3, power = 10 ** Math.floor(Math.log10(about));
  return power * ([5, 2].find((n) => n * power <= about) ?? 1);
}

const labels = 60; // nodes that are named at most, where there is room

/** The nodes as dots, with rings of equal distance around one. places are in seconds. */
function Dots({ nodes, places, from, onFrom }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [width, setWidth] = useState(640);
  useLayoutEffect(() => {
    const size = new ResizeObserver(() => setWidth(Math.max(200, box.current?.clientWidth ?? 0)));
    if (box.current) size.observe(box.current);
    return () => size.disconnect();
  }, []);
  const height = Math.round(Math.min(460, width * 0.75));
  const range = (axis) => { const all = places.map((p) => p[axis]); return [Math.min(...all), Math.max(...all)]; };
  const [left, right] = range(0), [top, bottom] = range(1);
  const scale = Math.min((width - 2 * border) / (right - left || 1e-9), (height - 2 * border) / (bottom - top || 1e-9)); // pixels of a second
  const at = places.map(([x, y]) => [width / 2 + (x - (left + right) / 2) * scale, height / 2 + (y - (top + bottom) / 2) * scale]);
  const center = nodes.findIndex((n) => n.name === from);
  const ring = step(1000 * Math.max(right - left, bottom - top));
  const rings = center < 0 || !(ring > 0) ? [] : [1, 2, 3, 4, 5, 6].map((n) => ({ ms: Number((n * ring).toPrecision(3)), r: (n * ring * scale) / 1000 }))
    .filter(({ r }) => r < Math.hypot(width, height));
  const taken = at.map(([x, y]) => [x - 6, y - 6, x + 6, y + 6]);
  const named = [center, ...nodes.keys()].filter((i, n) => i >= 0 && (n === 0 || i !== center)).slice(0, labels).flatMap((i) => {
    const wide = nodes[i].name.length * 7, [x, y] = at[i];
    const places = [[x + 9, y - 7], [x - 9 - wide, y - 7], [x - wide / 2, y + 7], [x - wide / 2, y - 21]]; // beside the dot, below or above it
    const free = places.map(([a, b]) => [a, b, a + wide, b + 14]).filter((mine) => mine[0] >= 0 && mine[1] >= 0 && mine[2] <= width && mine[3] <= height
      && !taken.some((o) => o[0] < mine[2] && mine[0] < o[2] && o[1] < mine[3] && mine[1] < o[3]))[0];
    if (!free) return [];
    taken.push(free);
    return [html`<text key=${nodes[i].name} x=${free[0] + wide / 2} y=${free[1] + 11} text-anchor="middle">${nodes[i].name}</text>`];
  });
  const [fromX, fromY] = at[center] ?? [0, 0];
  const ringLabel = ({ ms, r }) => {
    const spot = [[fromX, fromY - r - 3], [fromX + r, fromY + 4], [fromX, fromY + r + 12], [fromX - r, fromY + 4]]
      .find(([x, y]) => x > 24 && x < width - 24 && y > 12 && y < height - 4 && !taken.some((o) => o[0] < x + 20 && x - 20 < o[2] && o[1] < y && y - 11 < o[3]));
    return spot && html`<text class="ring" x=${spot[0]} y=${spot[1]} text-anchor="middle">${ms} ms</text>`;
  };
  return html`<div class="map" ref=${box}><svg width=${width} height=${height} role="img" aria-label=${`Map of ${nodes.length} nodes by their round trips; the table has the numbers`}>
    ${rings.map((ring) => html`<circle class="ring" cx=${fromX} cy=${fromY} r=${ring.r} />${ringLabel(ring)}`)}
    ${nodes.map((n, i) => html`<circle key=${n.name} class=${"node " + n.status + (i === center ? " from" : "")} data-node=${n.name} cx=${at[i][0]} cy=${at[i][1]} r=${i === center ? 7 : 5} onClick=${() => onFrom(n.name)}><title>${n.name}</title></circle>`)}
    ${named}</svg></div>`;
}

/** The map of all nodes and, from one of them, the round trips to the others. statusOf tells a node's health. */
export function NetworkMap({ self, from: asked, onFrom, statusOf }) {
  const [beat, setBeat] = useState(0);
  useEffect(() => { const timer = setInterval(() => setBeat((n) => n + 1), every); return () => clearInterval(timer); }, []);
  const list = useOnce(path, [beat]);
  const nodes = useMemo(() => {
    const known = new Map();
    for (const { Node, Coord } of Array.isArray(list) ? list : []) {
      if (Coord?.Vec?.every(Number.isFinite) && !known.has(Node)) known.set(Node, { name: Node, coord: Coord });
    }
    const all = [...known.values()];
    return all.filter((n) => n.coord.Vec.length === all[0].coord.Vec.length).map((n) => ({ ...n, status: statusOf(n.name) }));
  }, [list, statusOf]);
  const places = useMemo(() => principal(nodes.map((n) => n.coord.Vec)), [nodes]);
  if (list === undefined) return html`<${Loading} />`;
  if (nodes.length < 2) {
    return html`<${Empty} title="There is no map yet"><p>Agents measure round trips as they gossip, and tell the servers every few seconds: it takes two nodes and some time.
      ${" "}With <code>disable_coordinates</code> they do not.</p></><${Same} of=${[{ path }]} />`;
  }
  const start = nodes.find((n) => n.name === asked) ?? nodes.find((n) => n.name === self?.NodeName) ?? nodes[0];
  const rows = nodes.filter((n) => n !== start).map((n) => ({ ...n, ms: roundTrip(start.coord, n.coord) ?? Infinity })).sort((a, b) => a.ms - b.ms);
  const median = rows[Math.floor(rows.length / 2)];
  return html`<p class="under muted">Near is quick, as far as two dimensions can show it. The rings are around <b>${start.name}</b>: choose another node in the map or here.</p>
    <div class="beside"><${Dots} nodes=${nodes} places=${places} from=${start.name} onFrom=${onFrom} />
    <div><label class="sort">Round trips from <select id="from" value=${start.name} onChange=${(e) => onFrom(e.target.value)}>${nodes.map((n) => n.name).sort().map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select></label>
      <p class="muted">Half of the nodes are within ${ms(median)}.</p>
      <${Table} id="trips" heads=${["Node", "Round trip"]} list=${rows} keyOf=${nameOf} row=${(n) => html`
        <td class="name"><a href=${link("nodes", n.name)} onClick=${go}><${Dot} status=${n.status} /><span>${n.name}</span></a></td><td class="numeric">${ms(n)}</td>`} /></div></div>
    <${Same} of=${[{ path, cli: ["rtt", start.name, rows[0].name] }]} />`;
}

const nameOf = (n) => n.name;
const ms = (n) => `${n.ms.toFixed(2)} ms`;
