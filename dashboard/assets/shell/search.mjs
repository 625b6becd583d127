// The search box: opened from the header or by Ctrl+K, a combobox over everything that is stored.

import { failure, json } from "./answers.mjs";
import { $, all, find, targetOf } from "./dom.mjs";
import { recalled, remember } from "./memory.mjs";
import { navigate } from "./navigate.mjs";
import { moved, opens, options, recentOf, resultWords, withRecent } from "./search-list.mjs";

const WAIT_MS = 120;
/** Of the ids of results. */
const PREFIX = "se-";
/** Where this browser keeps what was opened from the search last. */
const KEPT = "blockline.recent";
/** @type {HTMLDialogElement} */
let dialog;
/** @type {Hit[]} */
let found = [];
let at = -1;
let asked = "";
let timer = 0;

export function connectSearch() {
  $("search").addEventListener("click", open);
  // Who comes next at this browser does not see what the last one opened.
  $("me-out").addEventListener("submit", () => remember(KEPT, null));
  document.addEventListener("keydown", (event) => {
    if (!opens(event)) return;
    event.preventDefault();
    const own = event.key === "/" ? ownFilter() : undefined;
    if (!own) open();
    else {
      own.focus();
      own.select?.();
    }
  });
}

/** The page's own search or filter, if it has one that is shown. @returns {HTMLInputElement | undefined} */
function ownFilter() {
  if (document.querySelector("dialog[open]")) return undefined;
  const fields = /** @type {NodeListOf<HTMLInputElement>} */ (all(document, "main input[type=search], main [role=search] :is(input, textarea, select)"));
  return [...fields].find((one) => one.checkVisibility({ visibilityProperty: true }));
}

function open() {
  dialog ??= build();
  if (dialog.open) return;
  dialog.showModal();
  input().select();
  ask();
}

const recent = () => recentOf(recalled(KEPT));

/** @param {Hit | undefined} one */
function keep(one) {
  if (one) remember(KEPT, JSON.stringify(withRecent(recent(), one)));
}

/** @returns {HTMLInputElement} */
const input = () => find(dialog, "input");
const list = () => find(dialog, "[role=listbox]");

function build() {
  const made = document.createElement("dialog");
  made.className = "search";
  made.setAttribute("aria-label", "Search");
  made.innerHTML = `<div class="se-box"><svg class="i" aria-hidden="true"><use href="#i-search"/></svg><input type="text" role="combobox" aria-label="Account, list, order, executive, page, action or help" aria-expanded="false" aria-controls="se-list" aria-autocomplete="list" placeholder="Account, list, order, executive, page, action or help" autocomplete="off" autocapitalize="off" spellcheck="false"><button type="button" class="icon-button" aria-label="Close"><svg class="i" aria-hidden="true"><use href="#i-close"/></svg></button></div>
    <div role="listbox" id="se-list" aria-label="Results" hidden></div><p class="nothing" role="status"></p>`;
  document.body.append(made);
  const field = /** @type {HTMLInputElement} */ (find(made, "input"));
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
  made.addEventListener("keydown", keys);
  made.addEventListener("click", (event) => {
    const chosen = targetOf(event).closest("[role=option]");
    if (chosen) keep(found[Number(chosen.id.slice(PREFIX.length))]);
    if (event.target === made || targetOf(event).closest("button, a")) made.close();
  });
  return made;
}

async function ask() {
  const text = input().value.trim();
  asked = text;
  let sentence = "";
  /** @type {Hit[]} */
  let answered = [];
  try {
    answered = (await json(fetch(`/api/search?q=${encodeURIComponent(text)}`))).found;
  } catch (error) {
    sentence = failure(error);
  }
  if (!text) answered = [...recent(), ...answered];
  if (text !== asked) return; // more was written meanwhile
  found = answered;
  list().innerHTML = options(found, PREFIX);
  list().hidden = found.length === 0;
  input().setAttribute("aria-expanded", String(found.length > 0));
  const status = find(dialog, "[role=status]");
  status.textContent = sentence || resultWords(found, text);
  status.classList.toggle("hidden", found.length > 0);
  mark(found.length && text ? 0 : -1);
}

/** @param {number} next */
function mark(next) {
  list().querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
  at = next;
  const chosen = $(`${PREFIX}${at}`);
  if (!chosen) return input().removeAttribute("aria-activedescendant");
  chosen.setAttribute("aria-selected", "true");
  chosen.scrollIntoView({ block: "nearest" });
  return input().setAttribute("aria-activedescendant", chosen.id);
}

/** @param {KeyboardEvent} event */
function keys(event) {
  if (event.target !== input() || event.isComposing) return;
  if (event.key === "Enter" && found[at] && asked === input().value.trim()) {
    event.preventDefault();
    dialog.close();
    keep(found[at]);
    navigate(found[at].href);
    return;
  }
  const next = moved(at, event.key, found.length);
  if (next === null) return;
  event.preventDefault();
  mark(next);
}
