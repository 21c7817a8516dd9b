// What format a value has, and where it breaks that: told, never enforced.
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { post } from "./api.js";

const byEnding = { json: "JSON", yaml: "YAML", yml: "YAML", hcl: "HCL", nomad: "HCL", tf: "HCL" };

/** The format of a key's value, by the key's ending or how the value begins; "" if it is any text. */
export function formatOf(key, text) {
  const ending = key.slice(key.lastIndexOf(".") + 1).toLowerCase();
  if (key.includes(".") && Object.hasOwn(byEnding, ending)) return byEnding[ending];
  return /^\s*[[{]/.test(text) ? "JSON" : "";
}

/** What keeps a text from being JSON, with line and column; "" for nothing. Browsers do not all say where. */
export function jsonFault(text) {
  try {
    JSON.parse(text);
    return "";
  } catch (error) {
    const [at, expected] = broken(text);
    const before = text.slice(0, at).split("\n"), found = text.slice(at, at + 20).split(/\s/)[0];
    return `line ${before.length}, column ${before.at(-1).length + 1}: expected ${expected}, found ${found || "the end"}`;
  }
}

const token = /[ \t\n\r]*(?:([[\]{},:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;

/** Where JSON stops being some, and what should stand there.
 * @returns {[number, string]} */
function broken(text) {
  const closers = []; // of what is open
  let want = "a value", orClose = false; // orClose: what was just opened may close at once
  const ended = () => { want = closers.length ? `a comma or ${closers.at(-1)}` : "nothing more"; };
  for (let at = 0; ; at = token.lastIndex) {
    token.lastIndex = at;
    const found = token.exec(text);
    const start = at + /** @type {RegExpExecArray} */ (/^[ \t\n\r]*/.exec(text.slice(at, at + 10000)))[0].length;
    const [, sign, string] = found ?? [];
    const close = closers.at(-1) ?? "";
    if (!found) return [start, want];
    if ((sign === "{" || sign === "[") && want === "a value") {
      closers.push(sign === "{" ? "}" : "]");
      want = sign === "{" ? "a name in quotes" : want;
      orClose = true;
      continue;
    }
    if (sign && sign === close && (orClose || want.startsWith("a comma"))) { closers.pop(); ended(); }
    else if (sign === "," && want.startsWith("a comma")) want = close === "}" ? "a name in quotes" : "a value";
    else if (sign === ":" && want === "a colon") want = "a value";
    else if (string && want === "a name in quotes") want = "a colon";
    else if (!sign && want === "a value") ended();
    else return [start, want];
    orClose = false;
  }
}

const restFor = 400; // ms without a key pressed, until the agent is asked

/** Says what is wrong with a value, if its format is known: by its name unless it is said. The agent checks what browsers do not know. */
export function FormatFault({ name = "", text, format = formatOf(name, text) }) {
  const [said, setSaid] = useState({ text: "", fault: "" });
  useEffect(() => {
    if (!format || format === "JSON") return undefined;
    const stop = new AbortController();
    const timer = setTimeout(() => post("/v1/internal/ui/check-text", { query: { format: format.toLowerCase() }, body: text, signal: stop.signal }).then(
      ({ data }) => setSaid({ text, fault: data.Text && [data.Line && `near line ${data.Line}`, data.Column && `column ${data.Column}`].filter(Boolean).join(", ") + (data.Line ? ": " : "") + data.Text }),
      () => {}), restFor); // who cannot be asked warns of nothing
    return () => { clearTimeout(timer); stop.abort(); };
  }, [format, text]);
  const fault = !text.trim() ? "" : format === "JSON" ? jsonFault(text) : said.text === text ? said.fault : "";
  return html`<p class="invalid" role="status">${fault && format && html`<b>Not valid ${format}</b>, ${fault}`}</p>`;
}
