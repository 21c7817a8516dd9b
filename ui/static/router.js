// Where in the interface we are: /ui/[datacenter/]section/name?query.
import { useEffect, useState } from "./vendor/htm-preact.js";

const base = new URL(document.baseURI).pathname;
const sections = ["services", "nodes", "kv"];
const moved = "praetor-moved";

/** The place that the address bar names. Datacenter is "" for the agent's own. */
export function here() {
  const parts = location.pathname.slice(base.length).split("/").filter(Boolean).map(decode);
  const datacenter = parts.length > 0 && !sections.includes(parts[0]) ? parts.shift() : "";
  const [section = "services", ...rest] = parts;
  const known = sections.includes(section);
  return {
    datacenter,
    section: known ? section : "services",
    name: known ? rest[0] ?? "" : "",
    rest: known ? rest.join("/") + (rest.length && location.pathname.endsWith("/") ? "/" : "") : "",
    query: new URLSearchParams(location.search),
  };
}

function decode(part) {
  try { return decodeURIComponent(part); } catch { return part; }
}

/** The address of a place in the datacenter shown, or in another. */
export function link(section, name = "", query = {}, datacenter = here().datacenter) {
  const path = [datacenter, section, name].filter(Boolean).map(encodeURIComponent).join("/");
  const search = new URLSearchParams(query).toString();
  return base + path + (search ? "?" + search : "");
}

/** Goes to an address of ours without loading the page anew. */
export function navigate(href) {
  history.pushState(null, "", href);
  dispatchEvent(new Event(moved));
  scrollTo(0, 0);
}

/** Click handler of links: those that ask for a new tab or window get one. */
export function go(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button) return;
  event.preventDefault();
  navigate(event.currentTarget.href);
}

/** The place, kept up to date. */
export function usePlace() {
  const [place, setPlace] = useState(here);
  useEffect(() => {
    const update = () => setPlace(here());
    addEventListener("popstate", update);
    addEventListener(moved, update);
    return () => { removeEventListener("popstate", update); removeEventListener(moved, update); };
  }, []);
  return place;
}

/** State that lives in the query string, so that it survives a reload and can be sent to a colleague. */
export function useQuery(name, initial = "") {
  const [value, setValue] = useState(() => here().query.get(name) ?? initial);
  return [value, (next) => {
    setValue(next);
    const url = new URL(location.href);
    if (next === initial) url.searchParams.delete(name);
    else url.searchParams.set(name, next);
    history.replaceState(null, "", url);
  }];
}

/** Names the page in the browser's tab. */
export function useTitle(...parts) {
  const title = [...parts, "Praetor"].filter(Boolean).join(" · ");
  useEffect(() => { document.title = title; }, [title]);
}
