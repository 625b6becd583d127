// What the reader can set: range, zone, theme, list, order of lanes, filter, pause. Their choices live in `view`.

import { setZone } from "./time.mjs";

export const view = { range: "14d", list: "all", sort: "latest", filter: "", only: false, paused: false, openDays: new Set(), closedDays: new Set(), cards: 20 };

const $ = (id) => document.getElementById(id);
const root = document.documentElement;

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}

/** So that the page comes back as it is, and can be given on. */
function keepInAddress(key, value) {
  const url = new URL(location.href);
  if (value === null) url.searchParams.delete(key);
  else url.searchParams.set(key, value);
  history.replaceState(history.state, "", url);
}

const press = (group, attribute, value) => {
  for (const button of group.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset[attribute] === value));
};

/** Go to another page without loading everything anew; Dash's router listens for the event. */
export function navigate(href) {
  const from = location.pathname;
  history.pushState({}, "", href);
  dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  // Another choice on the same page leaves the reader where he is.
  if (location.pathname !== from) scrollTo(0, 0);
}

function inSitePath(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return null;
  if (link.target || link.origin !== location.origin || link.getAttribute("href").startsWith("#")) return null;
  return link.pathname + link.search;
}

export function connectControls({ redraw, relayout, load, theme }) {
  document.addEventListener("click", (event) => {
    const path = inSitePath(event);
    if (path === null) return;
    event.preventDefault();
    navigate(path);
  });

  const zone = $("zone");
  press(zone, "zone", root.dataset.zone);
  zone.addEventListener("click", (event) => {
    const name = event.target.dataset.zone;
    if (!name) return;
    root.dataset.zone = name;
    remember("blockline.zone", name);
    setZone(name);
    press(zone, "zone", name);
    relayout();
    redraw();
  });

  $("theme").addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    remember("blockline.theme", root.dataset.theme);
    theme();
  });

  const ranges = $("ranges");
  press(ranges, "range", globalThis.__blockline.range);
  const setRange = (range) => {
    press(ranges, "range", range);
    if (view.range === range) return;
    load(range);
  };
  ranges.addEventListener("click", (event) => {
    const range = event.target.dataset.range;
    if (!range) return;
    keepInAddress("range", range);
    setRange(range);
  });

  $("lanes-only").addEventListener("click", (event) => {
    view.only = !view.only;
    event.currentTarget.setAttribute("aria-pressed", String(view.only));
    $("board").classList.toggle("only", view.only);
    redraw();
  });

  for (const [id, key] of [["pick-list", "list"], ["pick-sort", "sort"]]) {
    $(id).addEventListener("change", (event) => {
      view[key] = event.target.value;
      if (key === "list") keepInAddress("list", /^\d+$/.test(view.list) ? view.list : null);
      $("lanes").scrollTop = 0;
      redraw();
    });
  }
  $("pick-handle").addEventListener("input", (event) => {
    view.filter = event.target.value.trim().replace(/^@/, "").toLowerCase();
    $("lanes").scrollTop = 0;
    redraw();
  });

  $("pause").addEventListener("click", (event) => {
    view.paused = !view.paused;
    const button = event.currentTarget;
    button.setAttribute("aria-pressed", String(view.paused));
    button.querySelector("use").setAttribute("href", view.paused ? "#i-play" : "#i-pause");
    button.querySelector("span").textContent = view.paused ? "Resume" : "Pause";
    $("feed-note").textContent = view.paused ? "paused" : "newest first";
    redraw();
  });

  $("feed").addEventListener("click", (event) => {
    const button = event.target.closest("[data-day]");
    if (!button) return;
    const day = Number(button.dataset.day);
    const open = button.getAttribute("aria-expanded") === "true";
    (open ? view.openDays : view.closedDays).delete(day);
    (open ? view.closedDays : view.openDays).add(day);
    view.feedDirty = true;
    redraw();
  });

  $("cards").addEventListener("click", (event) => {
    if (!event.target.closest("[data-more]")) return;
    view.cards += 40;
    redraw();
  });

}

export function showPill(kind, word, age) {
  const pill = $("pill");
  if (pill.dataset.state !== kind) pill.dataset.state = kind;
  $("pill-word").textContent = word;
  $("pill-age").textContent = age;
}

export function showBanner(sentence) {
  const banner = $("banner");
  banner.hidden = !sentence;
  if (!sentence) return;
  const words = `${sentence} What you see is the last that arrived; it is brought up to date as soon as the connection is back.`;
  if ($("banner-text").textContent !== words) $("banner-text").textContent = words;
}
