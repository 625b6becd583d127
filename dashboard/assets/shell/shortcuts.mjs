// The keys of each page, which "?" lists; and j and k, which move through the rows of a table.

import { all, find, targetOf } from "./dom.mjs";

/** @type {[string, string][]} */
const EVERYWHERE = [
  ["Ctrl K", "search accounts, lists, orders and executives"],
  ["/", "the page's own search or filter; where it has none, as Ctrl K"],
  ["j, k", "in a table, with the focus in a row: the next row, the row before"],
  ["?", "this list"],
];
/** @type {Record<string, [string, string][]>} */
const OF_PAGE = {
  live: [
    ["arrows, Enter", "on the lanes: move, and open the account"],
    ["+ −, 0", "zoom in time, and back"],
    ["Shift ← →", "move in time"],
    ["Ctrl wheel, Shift wheel", "on the board: zoom in time, and move"],
    ["drag", "on the board: move in time; on the strip above it: choose a time"],
    ["Space", "pause the feed"],
  ],
  accounts: [["arrows, Enter, Space", "in the table: move, open the account, select it"]],
  replay: [
    ["Space", "play or pause"],
    ["← →", "one step; with Shift a larger one"],
    ["[ ]", "the event before, the next event"],
    ["Home End", "the begin of the range, its end"],
    ["+ −", "faster, slower"],
    ["i, o, l", "begin the range here, end it here, play it again and again"],
    ["k, p", "as it was or as we knew it then; pin the moment"],
    ["Shift drag", "on the strip: choose a range"],
  ],
};

/** The keys of a page, by its name: its own first. @param {string | undefined} page */
export const keysOf = (page) => [...(OF_PAGE[page ?? ""] ?? []), ...EVERYWHERE];

/**
 * Which of `n` rows is chosen after a key in row `at`; null if the key means nothing here.
 * @param {number} at @param {string} key @param {number} n
 */
export function rowAfter(at, key, n) {
  const next = at + (key === "j" ? 1 : key === "k" ? -1 : 0);
  return next === at || next < 0 || next >= n ? null : next;
}

/** Listen for the keys. A button with the id "help" opens the same list. */
export function connectShortcuts() {
  document.addEventListener("keydown", (event) => {
    const on = targetOf(event);
    if (event.ctrlKey || event.metaKey || event.altKey || on.closest?.("input, textarea, select, [contenteditable]")) return;
    if (event.key === "?") {
      event.preventDefault();
      open();
    } else if (event.key === "j" || event.key === "k") move(event, on);
  });
  document.getElementById("help")?.addEventListener("click", open);
}

/** Only from inside a table: a single letter elsewhere may be meant for a program that reads the page aloud.
 * @param {KeyboardEvent} event @param {HTMLElement} on
 */
function move(event, on) {
  if (on.closest?.(".ag-cell")) {
    // The table of accounts moves by the arrows, and keeps the row that it moves to in view.
    const key = event.key === "j" ? "ArrowDown" : "ArrowUp";
    on.dispatchEvent(new KeyboardEvent("keydown", { key, code: key, bubbles: true, cancelable: true }));
    return;
  }
  const row = on.closest?.("#page tbody tr");
  const table = row?.closest("table");
  if (!row || !table) return;
  const rows = [...all(table, "tbody tr")].filter((one) => one.querySelector("a, button"));
  const next = rowAfter(rows.indexOf(/** @type {HTMLElement} */ (row)), event.key, rows.length);
  if (next === null) return;
  event.preventDefault();
  find(rows[next], "a, button").focus();
}

/** @type {HTMLDialogElement | null} */
let dialog = null;

function open() {
  dialog ??= build();
  const rows = keysOf(document.documentElement.dataset.page).map(([keys, what]) => {
    const row = document.createElement("div");
    const dt = document.createElement("dt");
    const dd = document.createElement("dd");
    dt.textContent = keys;
    dd.textContent = what;
    row.append(dt, dd);
    return row;
  });
  find(dialog, "dl").replaceChildren(...rows);
  if (!dialog.open) dialog.showModal();
}

function build() {
  const made = document.createElement("dialog");
  made.className = "shortcuts";
  made.setAttribute("aria-labelledby", "shortcuts-title");
  made.innerHTML = '<form method="dialog"><h2 id="shortcuts-title">Help</h2><p><a class="under" href="/first-run">First run</a> <a class="under" href="/glossary">Glossary</a> <a class="under" href="/help">Documentation</a></p><h3>Keys on this page</h3><dl></dl><button class="button primary">Close</button></form>';
  made.addEventListener("click", (event) => {
    if (event.target === made || targetOf(event).closest("a")) made.close();
  });
  document.body.append(made);
  return made;
}
