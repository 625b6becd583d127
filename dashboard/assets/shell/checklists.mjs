// Checklists and radio buttons of Dash call themselves lists of options, although each option is an input with
// a label: a screen reader then tells of both. The roles are taken away, so that the inputs speak for themselves.
// The options of a dropdown, which is a list, keep theirs.

import { all } from "./dom.mjs";

/** Mend what is there, and what comes with each page or is ticked. @param {HTMLElement} root */
export function connectChecklists(root) {
  const mend = () => {
    for (const list of all(root, ".dash-options-list:not(.dash-dropdown-content *)")) plain(list);
  };
  new MutationObserver(mend).observe(root, { childList: true, subtree: true, attributeFilter: ["aria-selected"] });
  mend();
}

/** @param {Element} list */
export function plain(list) {
  for (const one of [list, ...all(list, "[role=option], [aria-selected]")]) {
    if (one.getAttribute("role") !== null) one.removeAttribute("role");
    if (one.getAttribute("aria-selected") !== null) one.removeAttribute("aria-selected");
  }
}
