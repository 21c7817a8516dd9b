// The keyboard: what each key does, anywhere in the pages.
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { Dialog } from "./parts.js";
import { link, navigate, sections } from "./router.js";

const chordWithin = 1500; // ms between g and the letter

/** The thing to focus in each row that is drawn. */
const rows = () => [...document.querySelectorAll("main [data-row]")].map((r) => /** @type {HTMLElement | null} */ (r.querySelector("a, button"))).filter((e) => e !== null);

/** Moves the focus by rows; from elsewhere, to the first that is seen. */
function step(by) {
  const all = rows();
  const at = all.findIndex((e) => e.closest("[data-row]")?.contains(document.activeElement));
  const next = at >= 0 ? all[at + by] : all.find((e) => e.getBoundingClientRect().top > 0);
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** Listens for keys, and shows what they are. */
export function Keys() {
  const [help, setHelp] = useState(false);
  useEffect(() => {
    let chord = 0;
    const press = (event) => {
      if (event.key === "Enter" && event.target.matches?.(".search")) { step(1); return; }
      if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || document.querySelector("dialog[open]")) return;
      const inChord = Date.now() - chord < chordWithin;
      chord = 0;
      const section = inChord && Object.keys(sections).find((id) => sections[id].key === event.key);
      if (section) navigate(link(section));
      else if (event.key === "/") /** @type {HTMLElement | null} */ (document.querySelector(".search"))?.focus();
      else if (event.key === "j") step(1);
      else if (event.key === "k") step(-1);
      else if (event.key === "?") setHelp(true);
      else if (event.key === "g") chord = Date.now();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  if (!help) return null;
  return html`<${Dialog} title="Keys" onClose=${() => setHelp(false)}>
    <dl class="pairs keyboard">${[["/", "search"], ["j  k", "next row, row before"], ["Enter", "open it"], ["?", "this help"],
      ...Object.values(sections).map((s) => ["g " + s.key, s.title])].map(([k, what]) => html`<div key=${k}><dt><kbd>${k}</kbd></dt><dd>${what}</dd></div>`)}</dl>
    <p class="buttons"><button type="button" autofocus onClick=${() => setHelp(false)}>Close</button></p></>`;
}
