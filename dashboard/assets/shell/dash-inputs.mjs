// Lists to choose from and fields for a date, as Dash writes them, break rules of ARIA: a list is reached by the keyboard
// through a hidden input and has no name until something is chosen. Mended here, since Dash has no option for it.

import { all } from "./dom.mjs";

/** Mend what is there, and what comes with each page or is opened. @param {HTMLElement} root */
export function connectDashInputs(root) {
  const mend = () => {
    for (const target of all(root, ".dash-dropdown-focus-target")) reachable(target);
    for (const one of all(root, ".dash-datepicker-input-wrapper[aria-expanded]")) one.removeAttribute("aria-expanded");
    for (const one of all(root, ".dash-datepicker-clear:not([role])")) one.setAttribute("role", "button");
  };
  new MutationObserver(mend).observe(root, { childList: true, subtree: true, attributeFilter: ["aria-expanded", "tabindex"] });
  mend();
}

/**
 * The button of a list takes the place of its hidden input in the order of the keyboard, with the name of its field.
 * @param {HTMLElement} target
 */
export function reachable(target) {
  const button = target.parentElement?.querySelector("button.dash-dropdown");
  if (!button) return;
  if (target.tabIndex !== -1) target.tabIndex = -1;
  if (button.getAttribute("tabindex") === "-1") button.setAttribute("tabindex", "0");
  if (button.hasAttribute("aria-label")) return;
  const group = button.closest("[role=group][aria-labelledby]")?.getAttribute("aria-labelledby");
  const label = group ? document.getElementById(group) : document.querySelector(`label[for="${button.id}"]`);
  if (label?.textContent) button.setAttribute("aria-label", label.textContent);
}
