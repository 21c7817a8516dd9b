// Where in the interface we are: /ui/[datacenter/]section/name...?query.
import { useEffect, useState } from "./vendor/htm-preact.js";

const base = new URL(document.baseURI).pathname;
const moved = "praetor-moved";

/** The sections, with their titles and the key that follows g. */
export const sections = {
  overview: { title: "Overview", key: "o" }, services: { title: "Services", key: "s" }, nodes: { title: "Nodes", key: "n" },
  kv: { title: "Key/Value", key: "k" }, intentions: { title: "Intentions", key: "i" }, sessions: { title: "Sessions", key: "l" },
  queries: { title: "Queries", key: "q" }, events: { title: "Events", key: "e" }, members: { title: "Members", key: "m" },
  access: { title: "Access", key: "a" },
};

/** Sections that Consul's pages call something else, or that are part of another page here. */
const aliases = { acls: "access", "routing-config": "services", peers: "members", settings: "overview", unavailable: "overview", login: "overview", dc: "overview" };

/** How many parts of a path belong to a section's page; Consul's have more, for what is on the same page here. */
const depth = { overview: 0, services: 1, nodes: 1, intentions: 0, sessions: 1, queries: 1, events: 0, members: 0, access: 2 };

/**
 * The place that the address bar names. Datacenter is "" for the agent's own,
 * section "" for what is no page; bare says that no section stands there.
 */
export function here() {
  const parts = location.pathname.slice(base.length).split("/").filter(Boolean).map(decode);
  while (/^[~_]/.test(parts[0] ?? "")) parts.shift(); // Consul's partition and namespace
  const is = (part) => Object.hasOwn(sections, part) || Object.hasOwn(aliases, part);
  const datacenter = parts.length > 0 && !is(parts[0]) ? parts.shift() : "";
  const bare = parts.length === 0;
  const first = parts.shift() ?? "overview";
  const section = aliases[first] ?? (Object.hasOwn(sections, first) ? first : "");
  const query = new URLSearchParams(location.search);
  if (section === "kv") return { datacenter, bare, section, rest: [], name: "", query: keyQuery(parts, query) };
  const rest = section ? parts.slice(0, depth[section]).filter((p) => p !== "create") : parts;
  return { datacenter, bare, section, rest, name: rest[0] ?? "", query };
}

/** Consul's form: kv/a/b/ is a folder, kv/a/b/edit a key, kv/a/create a folder where one is made. */
function keyQuery(parts, query) {
  if (!parts.length) return query;
  const last = parts.at(-1);
  if (last === "create") query.set("prefix", parts.slice(0, -1).map((p) => p + "/").join(""));
  else if (last === "edit" && parts.length > 1) query.set("key", parts.slice(0, -1).join("/"));
  else if (location.pathname.endsWith("/")) query.set("prefix", parts.join("/") + "/");
  else query.set("key", parts.join("/"));
  return query;
}

/** Gives a place that was asked for in another form its own address. */
export function settle() {
  const { datacenter, bare, section, rest, query } = here();
  if (!section || bare) return;
  const own = link(section, rest, query, datacenter);
  if (own !== location.pathname + location.search) history.replaceState(history.state, "", own);
}

function decode(part) {
  try { return decodeURIComponent(part); } catch { return part; }
}

/** The address of a place in the datacenter shown, or in another. Name is one part or several. */
export function link(section, name = /** @type {string|string[]} */ (""), query = /** @type {any} */ ({}), datacenter = here().datacenter) {
  const path = [datacenter, section].concat(name).filter(Boolean).map(encodeURIComponent).join("/");
  const search = new URLSearchParams(query).toString();
  return base + path + (search ? "?" + search : "");
}

// How far down each place was: the browser's own memory is of a page that is there
// at once, ours is drawn as its data comes.
history.scrollRestoration = "manual";
const keepScroll = () => history.replaceState({ ...history.state, scroll: scrollY }, "");
let keeping;
addEventListener("scroll", () => { clearTimeout(keeping); keeping = setTimeout(keepScroll, 100); }, { passive: true });

/** Scrolls to where a place was left, once it is long enough again. */
function restoreScroll() {
  clearTimeout(keeping);
  const wanted = history.state?.scroll ?? 0, begun = performance.now();
  const attempt = () => {
    if (wanted <= document.documentElement.scrollHeight - innerHeight || performance.now() - begun > 3000) scrollTo(0, wanted);
    else requestAnimationFrame(attempt);
  };
  requestAnimationFrame(attempt);
}
restoreScroll();

/** Goes to an address of ours without loading the page anew. */
export function navigate(href) {
  clearTimeout(keeping);
  keepScroll();
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
  const [place, setPlace] = useState(() => { settle(); return here(); });
  useEffect(() => {
    const update = () => { settle(); setPlace(here()); };
    const back = () => { update(); restoreScroll(); };
    addEventListener("popstate", back);
    addEventListener(moved, update);
    return () => { removeEventListener("popstate", back); removeEventListener(moved, update); };
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
    history.replaceState(history.state, "", url);
  }];
}

/** Names the page in the browser's tab. */
export function useTitle(...parts) {
  const title = [...parts, "Praetor"].filter(Boolean).join(" · ");
  useEffect(() => { document.title = title; }, [title]);
}
