// Colours for JSON, YAML and HCL: what the pieces of a text are. A text that is broken is coloured all the same.
import { html, useMemo } from "./vendor/htm-preact.js";

const most = 100000; // characters; a longer text stays plain, as each piece is an element

// The group that matched says what a piece is. What is not closed goes to the end of its line or of the text, and
// words are taken whole: so each character is looked at a few times at most, whatever the text.
const number = String.raw`-?\d[\d.]*(?:[eE][+-]?\d+)?`;
const string = String.raw`"(?:[^"\\\n]|\\.)*`;
const json = new RegExp(String.raw`(?<name>${string}"(?=[ \t]*:))|(?<string>${string}"?)|(?<value>${number}|true|false|null)(?![\w.])|[\w.-]+`, "g");
const hcl = new RegExp(String.raw`(?<comment>#[^\n]*|//[^\n]*|/\*[^]*?(?:\*/|$))|(?<string><<[-~]?(?<end>\w+)\n[^]*?(?:\n[ \t]*\k<end>(?!\w)|$))|(?<name>[\w-]+(?=[ \t]*[={"])|${string}"(?=[ \t]*=))|(?<text>${string}"?)|(?<value>${number}|true|false|null)(?![\w.-])|[\w.-]+`, "g");
const yamlLine = /^( *(?:- +)*)((?:"[^"\n]*"|'[^'\n]*'|[^\s#"'[\]{},&*!|>%@`-][^:#\n]*)(?=:(?:\s|$)))?/;
const yamlValue = new RegExp(String.raw`(?<comment>(?<=^|\s)#[^\n]*)|(?<string>${string}"?|'[^'\n]*'?)|(?<name>[&*!][\w!.-]+)|(?<value>(?:${number}|true|false|null|yes|no|on|off|~)(?=[\s,\]}]|$))|[^\s,[\]{}]+`, "g");
const yamlBlock = /(?:^|[\s:-])[|>][-+\d]{0,2}[ \t]*(?:#[^\n]*)?\n?$/; // a text of several lines follows

/** @returns {[string, string][]} */
function matches(grammar, text) {
  const list = /** @type {[string, string][]} */ ([]);
  let at = 0;
  for (const found of text.matchAll(grammar)) {
    const { name, string: quoted, text: plain, value, comment } = found.groups ?? {};
    const kind = name ? "name" : quoted || plain ? "string" : value ? "value" : comment ? "comment" : "";
    if (!kind) continue;
    if (found.index > at) list.push(["", text.slice(at, found.index)]);
    list.push([kind, found[0]]);
    at = found.index + found[0].length;
  }
  if (at < text.length) list.push(["", text.slice(at)]);
  return list;
}

/** @returns {[string, string][]} */
function yaml(text) {
  const list = /** @type {[string, string][]} */ ([]);
  let block = -1; // the indentation of what has a text of several lines; -1 outside of one
  for (const line of text.split(/(?<=\n)/)) {
    const indent = line.search(/[^ \n]/);
    if (block >= 0 && (indent < 0 || indent > block)) { list.push(["string", line]); continue; }
    const [, lead, name = ""] = /** @type {RegExpExecArray} */ (yamlLine.exec(line));
    const rest = line.slice(lead.length + name.length);
    block = yamlBlock.test(rest) ? indent : -1;
    list.push(["", lead], ["name", name], ...matches(yamlValue, rest));
  }
  return list.filter(([, part]) => part);
}

/** The pieces of a text, each with what it is: name, string, value, comment, or "" for anything else.
 * @returns {[string, string][]} */
export function pieces(format, text) {
  if (text.length > most) return [["", text]];
  switch (format) {
    case "JSON": return matches(json, text);
    case "HCL": return matches(hcl, text);
    case "YAML": return yaml(text);
    default: return [["", text]];
  }
}

/** A text in the colours of its format. */
export function Colored({ format, text }) {
  const list = useMemo(() => pieces(format, text), [format, text]);
  return list.map(([kind, part]) => (kind ? html`<span class=${"is-" + kind}>${part}</span>` : part));
}
