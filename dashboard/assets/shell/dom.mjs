// The few things that every page does to its document.

/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text that comes from outside (handles, sources, names) passes through here before it becomes HTML. @param {string | number} words */
export const escaped = (words) => String(words).replace(/[&<>"']/g, (c) => ENTITIES[c]);

/**
 * The element of the page with an id.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id @returns {T}
 */
export const $ = (id) => /** @type {T} */ (document.getElementById(id));

/** One in which a reader writes or chooses. @param {string} id */
export const field = (id) => /** @type {HTMLInputElement} */ ($(id));

/**
 * The first element within another that a selector finds; one has to be there.
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root @param {string} selector @returns {T}
 */
export const find = (root, selector) => /** @type {T} */ (/** @type {unknown} */ (root.querySelector(selector)));

/** @param {ParentNode} root @param {string} selector @returns {NodeListOf<HTMLElement>} */
export const all = (root, selector) => root.querySelectorAll(selector);

/** What an event happened to. @param {Event} event */
export const targetOf = (event) => /** @type {HTMLInputElement} */ (event.target);

/** Write words where they are other than those that stand there. @param {Element} element @param {string} words */
export function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/** @type {WeakMap<Element, string>} */
const written = new WeakMap();

/** Write HTML where it is other than what was written there last; whether it was. @param {HTMLElement} root @param {string} html */
export function write(root, html) {
  if (written.get(root) === html) return false;
  root.innerHTML = html;
  written.set(root, html);
  return true;
}

/**
 * The same, but elements that stay keep their place: a link that has the focus keeps it when its number changes.
 * @param {HTMLElement} root @param {string} html
 */
export function patch(root, html) {
  if (written.get(root) === html) return false;
  const made = document.createElement("template");
  made.innerHTML = html;
  if (!merge(root, made.content)) root.replaceChildren(made.content);
  written.set(root, html);
  return true;
}

/** Make what is in `to` that of `from`, attributes that only `to` has aside; false where other elements stand there. @param {Node} to @param {Node} from @returns {boolean} */
function merge(to, from) {
  if (to.childNodes.length !== from.childNodes.length) return false;
  return [...from.childNodes].every((node, i) => {
    const old = to.childNodes[i];
    if (old.nodeName !== node.nodeName) return false;
    if (!(old instanceof Element) || !(node instanceof Element)) {
      if (old.nodeValue !== node.nodeValue) old.nodeValue = node.nodeValue;
      return true;
    }
    for (const { name, value } of node.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    return merge(old, node);
  });
}

/**
 * Of a group of buttons the one whose `data-…` says so is the one that is pressed.
 * @param {HTMLElement} group @param {string} attribute @param {string | null | undefined} value
 */
export function press(group, attribute, value) {
  for (const button of group.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset[attribute] === value));
}

/** Have the browser save a file. @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * What is on a canvas as a file of a kind such as "image/png".
 * @param {HTMLCanvasElement} canvas @param {string} kind @param {number} [quality] @returns {Promise<Blob>}
 */
export const pictureOf = (canvas, kind, quality) =>
  new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("There is no picture."))), kind, quality));
