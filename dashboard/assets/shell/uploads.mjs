// Fields for files. Dash's own has no name for screen readers: it gets the words that stand on it. In a plain
// form, where Dash has none, one is put into each `data-file`.

import { all } from "./dom.mjs";

/** Name and make the fields for files below `root`, those that come later too. @param {HTMLElement} root */
export function connectUploads(root) {
  const mend = () => {
    for (const place of all(root, "[data-file]:empty")) {
      const field = document.createElement("input");
      field.type = "file";
      field.name = place.dataset.file ?? "";
      place.append(field);
    }
    for (const field of all(root, "input[type=file]:not([aria-label], [name])")) {
      field.setAttribute("aria-label", field.parentElement?.textContent?.trim() || "File");
    }
  };
  new MutationObserver(mend).observe(root, { childList: true, subtree: true });
  mend();
}
