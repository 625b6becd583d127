// Dash's field for a file has no name for screen readers: it gets the words that stand on it.

import { all } from "./dom.mjs";

/** Name the fields for files below `root`, those that come later too. @param {HTMLElement} root */
export function connectUploads(root) {
  const name = () => {
    for (const field of all(root, "input[type=file]:not([aria-label])")) {
      field.setAttribute("aria-label", field.parentElement?.textContent?.trim() || "File");
    }
  };
  new MutationObserver(name).observe(root, { childList: true, subtree: true });
  name();
}
