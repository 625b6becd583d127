// What the reader can set: range, list, order of lanes, filter, pause. Their choices live in `view`.

import { turnDay } from "../board/feed-view.mjs";
import { $, field, find, press, targetOf } from "../shell/dom.mjs";
import { recalled, remember } from "../shell/memory.mjs";
import { choicesOf, DEFAULTS, searchOf } from "./address.mjs";

/** What stands in the address, and what lasts as long as the page. @type {View} */
export const view = { ...DEFAULTS, paused: false, openDays: new Set(), closedDays: new Set(), cards: 20 };

const root = document.documentElement;

/** So that the page comes back as it is, and can be given on. */
export function keepAddress() {
  const search = searchOf(view);
  if (root.dataset.page === "live" && location.search !== search) history.replaceState(history.state, "", location.pathname + search);
}

/** Take over what an address says, and show it in the controls. @param {string} search */
export function adopt(search) {
  Object.assign(view, choicesOf(search));
  showChoices();
}

export function showChoices() {
  press($("ranges"), "range", view.span ? null : view.range);
  for (const [id, on] of Object.entries({ "lanes-only": view.only, fit: view.fit })) $(id).setAttribute("aria-pressed", String(on));
  $("board").classList.toggle("only", view.only);
  $("board").classList.toggle("fit", view.fit);
  /** @type {HTMLButtonElement} */ (find($("zoom"), "[data-zoom=reset]")).disabled = !view.span;
  field("pick-list").value = view.list;
  field("pick-kind").value = view.kind;
  field("pick-sort").value = view.sort;
  if (document.activeElement !== $("pick-handle")) field("pick-handle").value = view.filter;
}

const HINT_MS = 6_000;
const HINTED = "blockline.wheel";

/** Explain how the wheel zooms, once for each reader who turns it over the board without Ctrl. */
export function hintWheel() {
  if (!$("wheel-hint").hidden || recalled(HINTED)) return;
  remember(HINTED, "said");
  $("wheel-hint").hidden = false;
  setTimeout(() => ($("wheel-hint").hidden = true), HINT_MS);
}

/** `on` = {redraw(), extend(), save(kind)}. @param {{ redraw(): void, extend(): void, save(kind: string): void }} of */
export function connectControls({ redraw, extend, save }) {
  /** A choice is shown, drawn and kept in the address at once. @param {Partial<View>} more */
  const chosen = (more) => {
    // The feed follows a filter also while it is paused: else it would show others than it says.
    Object.assign(view, more, "list" in more || "kind" in more || "filter" in more ? { feedDirty: true } : {});
    showChoices();
    keepAddress();
    redraw();
  };

  $("ranges").addEventListener("click", (event) => {
    const range = /** @type {RangeName | undefined} */ (targetOf(event).dataset.range);
    if (!range) return;
    chosen({ range, span: null });
    extend();
  });
  $("lanes-only").addEventListener("click", () => chosen({ only: !view.only }));
  $("fit").addEventListener("click", () => chosen({ fit: !view.fit }));
  for (const [id, key] of [["pick-list", "list"], ["pick-kind", "kind"], ["pick-sort", "sort"]]) {
    $(id).addEventListener("change", (event) => {
      $("lanes").scrollTop = 0;
      chosen({ [key]: targetOf(event).value });
    });
  }
  $("pick-handle").addEventListener("input", (event) => {
    $("lanes").scrollTop = 0;
    chosen({ filter: targetOf(event).value.trim().replace(/^@/, "").toLowerCase() });
  });

  find($("shown-of"), "button").addEventListener("click", () => {
    field("pick-handle").value = "";
    chosen({ list: "all", kind: "", filter: "" });
    $("pick-list").focus();
  });

  $("pause").addEventListener("click", () => {
    view.paused = !view.paused;
    const button = $("pause");
    button.setAttribute("aria-pressed", String(view.paused));
    find(button, "use").setAttribute("href", view.paused ? "#i-play" : "#i-pause");
    find(button, "span").textContent = view.paused ? "Resume" : "Pause";
    redraw();
  });

  $("feed").addEventListener("click", (event) => {
    if (!turnDay(view, event)) return;
    view.feedDirty = true;
    redraw();
  });

  for (const kind of ["png", "svg"]) $(`save-${kind}`).addEventListener("click", () => save(kind));

  $("cards").addEventListener("click", (event) => {
    if (!targetOf(event).closest("[data-more]")) return;
    view.cards += 40;
    redraw();
  });
}
