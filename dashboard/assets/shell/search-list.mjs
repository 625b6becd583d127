// The results of the search box: their markup, and what the keys choose. No DOM in here.

import { escaped, targetOf } from "./dom.mjs";

const KIND = { recent: "Recent", page: "Pages", action: "Actions", account: "Accounts", post: "Posts", list: "Lists", order: "Orders", executive: "Executives", help: "Help" };
const ICON = { recent: "i-prev", page: "i-doc", action: "i-next", account: "i-accounts", post: "i-doc", list: "i-doc", order: "i-order", executive: "i-person", help: "i-doc" };

/** Whether a key opens a search: Ctrl+K, on a Mac Cmd+K, that of everything; "/" outside a text field, that of the page. @param {KeyboardEvent} event */
export function opens(event) {
  if (event.altKey || event.shiftKey) return false;
  if (event.key.toLowerCase() === "k") return event.ctrlKey !== event.metaKey;
  const writes = targetOf(event)?.closest?.("input, textarea, select, [contenteditable]");
  return event.key === "/" && !event.ctrlKey && !event.metaKey && !writes;
}

/**
 * Which of `n` results is chosen after a key; -1 is none. Null: the key means nothing here.
 * @param {number} at @param {string} key @param {number} n
 */
export function moved(at, key, n) {
  if (n === 0) return null;
  if (key === "ArrowDown") return at + 1 >= n ? 0 : at + 1;
  if (key === "ArrowUp") return at <= 0 ? n - 1 : at - 1;
  if (key === "Home" && at >= 0) return 0;
  if (key === "End" && at >= 0) return n - 1;
  return null;
}

/**
 * The results as the options of a list box, by kind; ids are `${prefix}0`, `${prefix}1`, ...
 * @param {Hit[]} found @param {string} prefix
 */
export function options(found, prefix) {
  let kind = /** @type {string} */ ("");
  return found
    .map((one, i) => {
      const head = one.kind === kind ? "" : `${kind ? "</div>" : ""}<div role="group" aria-label="${KIND[one.kind]}"><div class="se-kind" aria-hidden="true">${KIND[one.kind]}</div>`;
      kind = one.kind;
      return `${head}<a role="option" id="${prefix}${i}" aria-selected="false" tabindex="-1" href="${escaped(one.href)}"><svg class="i" aria-hidden="true"><use href="#${ICON[one.kind]}"/></svg><b>${escaped(one.name)}</b><span>${escaped(one.more)}</span></a>`;
    })
    .join("") + (kind ? "</div>" : "");
}

/** The number of results in words, for screen readers. @param {Hit[]} found @param {string} text */
export function resultWords(found, text) {
  if (!text) return "";
  if (!found.length) return `No results for “${text}”.`;
  return found.length === 1 ? "1 result" : `${found.length} results`;
}

/** Results that are remembered. */
const RECENT = 6;

/** The results opened last, newest first, with one more added. @param {Hit[]} recent @param {Hit} one @returns {Hit[]} */
export const withRecent = (recent, one) =>
  /** @type {Hit[]} */ ([{ ...one, kind: "recent" }, ...recent.filter(({ href }) => href !== one.href)].slice(0, RECENT));

/** The results in a stored text; none if the text is not a list of results. @param {string | null} text @returns {Hit[]} */
export function recentOf(text) {
  try {
    const found = JSON.parse(text ?? "[]");
    const isHit = (/** @type {Partial<Hit> | null} */ one) => [one?.name, one?.more, one?.href].every((part) => typeof part === "string") && /^\/(?!\/)/.test(one?.href ?? "");
    return Array.isArray(found) ? found.filter(isHit).map((one) => ({ ...one, kind: "recent" })).slice(0, RECENT) : [];
  } catch {
    return [];
  }
}
