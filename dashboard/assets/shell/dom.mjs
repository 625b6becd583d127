// The few things that every page does to its document.

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text that comes from outside (handles, sources, names) passes through here before it becomes HTML. */
export const escape = (words) => String(words).replace(/[&<>"']/g, (c) => ENTITIES[c]);

export const $ = (id) => document.getElementById(id);

/** Write words, or HTML, where they are other than those that stand there; whether they were. */
export function say(element, words) {
  const isNew = element.textContent !== words;
  if (isNew) element.textContent = words;
  return isNew;
}

const written = new WeakMap();

export function write(root, html) {
  const isNew = written.get(root) !== html;
  if (isNew) root.innerHTML = html;
  written.set(root, html);
  return isNew;
}

/** Of a group of buttons the one whose `data-…` says so is the one that is pressed. */
export function press(group, attribute, value) {
  for (const button of group.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset[attribute] === value));
}

/** Have the browser save a file. */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** What is on a canvas as a file of a kind such as "image/png". */
export const pictureOf = (canvas, kind, quality) => new Promise((done) => canvas.toBlob(done, kind, quality));
