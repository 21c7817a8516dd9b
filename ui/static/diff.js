// What two texts differ in, line by line.
import { html } from "./vendor/htm-preact.js";

const mostCells = 4e6; // of the table that finds what is common; longer texts differ as a whole

/** The lines of both texts: [" ", line] is in both, ["-", line] in the first only, ["+", line] in the second. */
export function difference(first, second) {
  const a = first.split("\n"), b = second.split("\n");
  let head = 0, tail = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const same = (line) => [" ", line];
  return [...a.slice(0, head).map(same), ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)), ...a.slice(a.length - tail).map(same)];
}

/** The same of lists of lines, by their longest common subsequence. */
function middle(a, b) {
  if (a.length * b.length > mostCells) return [...a.map((line) => ["-", line]), ...b.map((line) => ["+", line])];
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width); // of what follows (i, j); 4e6 cells have less than 2001 lines on the shorter side
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j] ? common[(i + 1) * width + j + 1] + 1 : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  const lines = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) { lines.push([" ", a[i]]); i++; j++; }
    else if (j === b.length || (i < a.length && common[(i + 1) * width + j] >= common[i * width + j + 1])) lines.push(["-", a[i++]]);
    else lines.push(["+", b[j++]]);
  }
  return lines;
}

const around = 2; // lines that are shown before and after each change
const mostLines = 400;

/** Shows what their text and mine differ in. */
export function Difference({ theirs, mine }) {
  const all = difference(theirs, mine);
  const near = all.map((_, i) => all.slice(Math.max(0, i - around), i + around + 1).some(([kind]) => kind !== " "));
  const rows = [];
  for (let i = 0; i < all.length && rows.length < mostLines; i++) {
    if (near[i]) { rows.push(all[i]); continue; }
    let end = i;
    while (end < all.length && !near[end]) end++;
    rows.push(["…", `${end - i} ${end - i === 1 ? "line" : "lines"} alike`]);
    i = end - 1;
  }
  if (rows.length === mostLines) rows.push(["…", "and more"]);
  const tag = { "-": "del", "+": "ins" };
  return html`<div class="diff" tabindex="0" role="group" aria-label="The difference"><p class="muted"><del>− theirs</del> <ins>+ yours</ins></p>
    ${rows.map(([kind, line], i) => html`<${tag[kind] ?? "span"} key=${i} class=${kind === "…" ? "line skipped" : "line"}><b aria-hidden="true">${kind === "-" ? "−" : kind}</b>${line || " "}</>`)}</div>`;
}
