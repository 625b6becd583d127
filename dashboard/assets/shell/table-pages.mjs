// On a phone each row of a table is a card: so many rows at a time, with buttons for the others.

import { all } from "./dom.mjs";

/** Rows of one page. */
export const ROWS = 25;
/** Where tables are stacked, as in shell.css. */
const NARROW = "(max-width: 640px)";

/** The first row shown of each table. @type {WeakMap<Element, number>} */
const shown = new WeakMap();

/**
 * The rows that are shown when the one at `first` was asked for: from a multiple of ROWS on, and never none.
 * @param {number} first @param {number} count
 * @returns {[number, number]}
 */
export function pageAt(first, count) {
  const last = Math.max(0, Math.ceil(count / ROWS) - 1) * ROWS;
  const from = Math.min(Math.max(0, Math.floor(first / ROWS) * ROWS), last);
  return [from, Math.min(count, from + ROWS)];
}

/** Page the tables that are there, and those that come with each page. @param {HTMLElement} root */
export function connectTablePages(root) {
  const narrow = matchMedia(NARROW);
  const observer = new MutationObserver(() => update());
  const update = () => {
    observer.disconnect(); // what is done here is no news
    for (const table of all(root, "table.labelled")) page(/** @type {HTMLTableElement} */ (table), narrow.matches);
    observer.observe(root, { childList: true, subtree: true });
  };
  narrow.addEventListener("change", update);
  root.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("[data-rows-from]");
    const table = button?.closest("table");
    if (!button || !table) return;
    const name = button.textContent;
    shown.set(table, Number(/** @type {HTMLElement} */ (button).dataset.rowsFrom));
    update();
    table.scrollIntoView({ block: "start" });
    // The buttons are new, or cannot be pressed any more.
    const buttons = /** @type {HTMLButtonElement[]} */ ([...all(table, ".pages button")]);
    (buttons.find((one) => one.textContent === name && !one.disabled) ?? buttons.find((one) => !one.disabled))?.focus({ preventScroll: true });
  });
  update();
}

/** @param {HTMLTableElement} table @param {boolean} isNarrow */
function page(table, isNarrow) {
  const rows = [...(table.tBodies[0]?.rows ?? [])];
  const old = table.querySelector(":scope > tfoot.pages");
  if (!isNarrow || rows.length <= ROWS) {
    if (!old) return;
    for (const row of rows) row.hidden = false;
    old.remove();
    return;
  }
  const [from, until] = pageAt(shown.get(table) ?? 0, rows.length);
  rows.forEach((row, n) => {
    row.hidden = n < from || n >= until;
  });
  // At the end of the table itself, so that it goes with it.
  const foot = old ?? table.appendChild(Object.assign(document.createElement("tfoot"), { className: "pages" }));
  const button = (/** @type {string} */ label, /** @type {number} */ to) =>
    `<button type="button" class="button small" data-rows-from="${to}"${to < 0 || to >= rows.length ? " disabled" : ""}>${label}</button>`;
  const words = `${(from + 1).toLocaleString("en")} to ${until.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
  const text = `<tr><td><nav class="pager" aria-label="Rows of the table">${button("◀ Previous", from - ROWS)}<span class="muted" role="status">${words}</span>${button("Next ▶", from + ROWS)}</nav></td></tr>`;
  if (/** @type {HTMLElement} */ (foot).dataset.rows === words) return;
  /** @type {HTMLElement} */ (foot).dataset.rows = words;
  foot.innerHTML = text;
}
