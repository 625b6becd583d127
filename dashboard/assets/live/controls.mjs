// What the reader can set: range, zone, theme, list, order of lanes, filter, pause. Their choices live in `view`.

import { choicesOf, DEFAULTS, searchOf } from "./address.mjs";
import { setZone } from "./time.mjs";

/** What stands in the address, and what lasts as long as the page. */
export const view = { ...DEFAULTS, paused: false, openDays: new Set(), closedDays: new Set(), cards: 20 };

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
export function keepAddress() {
  const search = searchOf(view);
  if (root.dataset.page === "live" && location.search !== search) history.replaceState(history.state, "", location.pathname + search);
}

/** Take over what an address says, and show it in the controls. */
export function adopt(search) {
  Object.assign(view, choicesOf(search));
  showChoices();
}

export function showChoices() {
  press($("ranges"), "range", view.span ? null : view.range);
  for (const [id, on] of [["lanes-only", view.only], ["fit", view.fit]]) $(id).setAttribute("aria-pressed", String(on));
  $("board").classList.toggle("only", view.only);
  $("board").classList.toggle("fit", view.fit);
  $("pick-list").value = view.list;
  $("pick-sort").value = view.sort;
  if (document.activeElement !== $("pick-handle")) $("pick-handle").value = view.filter;
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
  if (link.pathname.startsWith("/api/") || link.pathname.endsWith(".html")) return null; // a file
  return link.pathname + link.search;
}

export function connectControls({ redraw, relayout, extend, theme }) {
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

  /** A choice is shown, drawn and kept in the address at once. */
  const chosen = (more) => {
    Object.assign(view, more);
    showChoices();
    keepAddress();
    redraw();
  };

  $("ranges").addEventListener("click", (event) => {
    const range = event.target.dataset.range;
    if (!range) return;
    chosen({ range, span: null });
    extend();
  });
  $("lanes-only").addEventListener("click", () => chosen({ only: !view.only }));
  $("fit").addEventListener("click", () => chosen({ fit: !view.fit }));
  for (const [id, key] of [["pick-list", "list"], ["pick-sort", "sort"]]) {
    $(id).addEventListener("change", (event) => {
      $("lanes").scrollTop = 0;
      chosen({ [key]: event.target.value });
    });
  }
  $("pick-handle").addEventListener("input", (event) => {
    $("lanes").scrollTop = 0;
    chosen({ filter: event.target.value.trim().replace(/^@/, "").toLowerCase() });
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

  for (const kind of ["png", "svg"]) {
    $(`save-${kind}`).addEventListener("click", async () => {
      // Only who saves a picture needs what makes one.
      const { save } = await import("./picture.mjs");
      const tag = document.querySelector("#live .tag")?.textContent;
      await save(kind, ["Blockline", $("subtitle").textContent, tag].filter(Boolean).join(" · "));
    });
  }

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
